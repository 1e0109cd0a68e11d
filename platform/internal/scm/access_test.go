package scm_test

import (
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform/internal/scm"
)

// These SIDs are well known.
func TestServiceSID(t *testing.T) {
	for name, want := range map[string]string{
		"TrustedInstaller": "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",
		"trustedinstaller": "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",
		"WdiServiceHost":   "S-1-5-80-3139157870-2983391045-3678747466-658725712-1809340420",
	} {
		if got := scm.ServiceSID(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

// Only SYSTEM, Administrators and the service may write. Nothing is inherited from
// ProgramData, where every user may create files.
func TestAccessIsForNobodyElse(t *testing.T) {
	for _, own := range []string{"FA", "0x1301bf"} {
		list := scm.AccessList("feedd", own, "0x1200a9")
		if !strings.HasPrefix(list, "O:BAD:PAI(") {
			t.Errorf("%s inherits", list)
		}
		for entry := range strings.SplitSeq(strings.TrimSuffix(list[len("O:BAD:PAI("):], ")"), ")(") {
			parts := strings.Split(entry, ";")
			switch who := parts[5]; who {
			case "SY", "BA", scm.ServiceSID("feedd"):
			case "BU":
				if parts[2] != "0x1200a9" {
					t.Errorf("users may %s", parts[2])
				}
			default:
				t.Errorf("%s may %s", who, parts[2])
			}
		}
	}
}
