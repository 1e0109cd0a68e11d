package trial_test

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/installer/trial"
)

// A signal that is on its way when one version gives way to the other must not kill it: a reload,
// or what the kernel tells of a watched directory.
func TestASignalOnItsWayDoesNotKillWhoTakesOver(t *testing.T) {
	const role = "HOLDFAST_TEST_GIVES_WAY"
	if os.Getenv(role) != "" {
		os.Args = []string{"sh", "-c", "sed -n 's/^SigIgn:[[:space:]]*//p' /proc/self/status"}
		t.Fatal(trial.Exec("/bin/sh", nil))
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), role+"=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ignored, err := strconv.ParseUint(strings.TrimSpace(string(out)), 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []unix.Signal{unix.SIGHUP, unix.SIGIO} {
		if ignored&(1<<(s-1)) == 0 {
			t.Errorf("%s is not ignored: %x", unix.SignalName(s), ignored)
		}
	}
}
