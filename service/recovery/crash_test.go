package recovery_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/service/recovery"
)

const crashVariable = "RECOVERY_TEST_CRASH"

// A process really crashes: nobody recovers the panic of its goroutine.
func TestACrashHasItsLastWords(t *testing.T) {
	path := os.Getenv(crashVariable)
	if path != "" {
		if err := recovery.CatchCrash(path); err != nil {
			t.Fatal(err)
		}
		go func() { panic("nobody looks after it\nin two lines") }()
		select {}
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "feedd.crash")
	for range 2 { // the second report replaces the first
		cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestACrashHasItsLastWords$")
		cmd.Env = append(os.Environ(), crashVariable+"="+path)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "nobody looks after it") {
			t.Fatalf("%v: %s", err, out)
		}
		c, err := recovery.ReadCrash(path)
		if err != nil || c == nil {
			t.Fatalf("%+v, %v", c, err)
		}
		if c.Exit.Code != 2 || c.Exit.Reason != "panic: nobody looks after it" || !strings.Contains(c.Text, "goroutine") || strings.Count(c.Text, "panic: ") != 1 {
			t.Errorf("%+v", c)
		}
	}
	if err := recovery.ForgetCrash(path); err != nil {
		t.Error(err)
	}
	if err := recovery.ForgetCrash(path); err != nil {
		t.Error("twice: ", err)
	}
}
