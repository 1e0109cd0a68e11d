package files_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// Administrators act only on a record that nobody else can have written. Accounts of services,
// such as LocalService, do not count as administrators.
func TestOwnedByAdministrators(t *testing.T) {
	const me = "S-1-5-21-1-2-3-1001"
	for name, tt := range map[string]struct {
		sddl    string
		trusted bool
	}{
		"sealed":                    {"O:BAD:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FRFX;;;BU)", true},
		"Windows' own":              {"O:S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464D:(A;;FRFX;;;BU)", true},
		"the system's":              {"O:SYD:(A;;FA;;;SY)(A;;FRFX;;;WD)", true},
		"mine":                      {"O:" + me + "D:(A;;FA;;;" + me + ")", true},
		"a placeholder":             {"O:BAD:(A;OICIIO;FA;;;CO)(A;;FA;;;BA)", true},
		"denied":                    {"O:BAD:(D;;FA;;;BU)(A;;FA;;;BA)", true},
		"another's":                 {"O:S-1-5-21-1-2-3-1002D:(A;;FA;;;BA)", false},
		"the service's":             {"O:LSD:(A;;FA;;;BA)", false},
		"a service's":               {"O:S-1-5-80-1-2-3-4-5D:(A;;FA;;;BA)", false},
		"written by the service":    {"O:BAD:(A;;FA;;;BA)(A;;FW;;;LS)", false},
		"written by users":          {"O:BAD:(A;;FA;;;BA)(A;;0x1301bf;;;BU)", false},
		"written by who has a name": {"O:BAD:(A;;FA;;;BA)(A;;FA;;;S-1-5-21-1-2-3-1002)", false},
		"what is made in it is":     {"O:BAD:(A;;FA;;;BA)(A;OICIIO;FA;;;AU)", false},
		"its list can be changed":   {"O:BAD:(A;;FA;;;BA)(A;;WD;;;BU)", false},
		"no list":                   {"O:BA", false},
		"an entry with a condition": {"O:BAD:(XA;;FA;;;WD;(@User.x==1))", false},
	} {
		t.Run(name, func(t *testing.T) {
			err := files.OwnedDescriptor(tt.sddl, me)
			if (err == nil) != tt.trusted || err != nil && tt.trusted {
				t.Errorf("%v", err)
			}
			if err != nil && !errors.Is(err, files.ErrUntrusted) && name != "an entry with a condition" { // Wine does not support it
				t.Errorf("%v", err)
			}
		})
	}
}

// A sealed file or directory is accepted, and can be used.
func TestSeal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	file := filepath.Join(dir, "f")
	if err := os.Mkdir(dir, 0o755); err != nil { //nolint:gosec // as it is
		t.Fatal(err)
	}
	if err := files.Seal(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("x"), 0o644); err != nil { //nolint:gosec // as it is
		t.Fatal(err)
	}
	if err := files.Seal(file); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, file} {
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := files.Owned(path, info, false); err != nil {
			t.Error(err)
		}
	}
	if c, err := os.ReadFile(file); err != nil || string(c) != "x" {
		t.Errorf("%q, %v", c, err)
	}
	if err := files.Seal(filepath.Join(dir, "absent")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
