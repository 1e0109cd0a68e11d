package proc_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// Without /proc the advice was about users and directories (fault F).
func TestNoProc(t *testing.T) {
	cmd := exec.Command("unshare", "--mount", "sh", "-c", `umount -l /proc && echo unmounted && exec "$0"`, os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"=self")
	out, err := cmd.CombinedOutput()
	text, ok := strings.CutPrefix(string(out), "unmounted\n")
	if !ok {
		t.Skipf("no namespace without /proc here: %v: %s", err, out)
	}
	if !strings.Contains(text, proc.ErrNoProc.Error()) || strings.Contains(text, "permission") {
		t.Errorf("it says %q", text)
	}
}
