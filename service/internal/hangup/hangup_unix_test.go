//go:build unix

package hangup_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/service/internal/hangup"
	"github.com/holdfast-dev/holdfast/test/wait"
)

const roleVariable = "HOLDFAST_HANGUP_TEST_ROLE"

// A SIGHUP arrives as early as possible in code that imports hangup: long before main.
var _ = os.Getenv(roleVariable) == "" || syscall.Kill(os.Getpid(), syscall.SIGHUP) == nil

// The test binary plays programs.
func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "":
		// Children do not inherit that SIGHUP is ignored, whoever runs the tests, such as nohup(1). It
		// is done once: after signal.Reset, signal.Ignored would not report that it is ignored again.
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
		os.Exit(m.Run())
	case "host": // links the package, but is no service
		fmt.Println("main, ignoring it:", signal.Ignored(syscall.SIGHUP))
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "service": // outlives the time after which SIGHUP would be released
		hold := hangup.Early()
		fmt.Println("held:", hold != nil, hangup.Early() != nil)
		<-time.After(2 * hangup.Grace)
		fmt.Println("alive")
	case "released":
		hangup.Take().Release()
		fmt.Println("not ended")
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "later": // nothing was expected
		hangup.Take()
		_ = syscall.Kill(os.Getpid(), syscall.SIGHUP)
		fmt.Println("alive")
	}
}

// play runs the test binary in a role to its end, through script if there is one, and wants it to
// print something. On a busy machine, main may come so late that SIGHUP is released before it.
// Then the process is run again: without the hold, it would have died at once.
func play(t *testing.T, want, role, script string, args ...string) (out string, by syscall.Signal) {
	t.Helper()
	for first := time.Now(); ; {
		begun := time.Now()
		out, by = playOnce(t, role, script, args...)
		if out == want || by != syscall.SIGHUP || time.Since(begun) < hangup.Grace || time.Since(first) > wait.Limit {
			return out, by
		}
		t.Logf("it was ended by SIGHUP after %v, and printed %q", time.Since(begun), out)
	}
}

func playOnce(t *testing.T, role, script string, args ...string) (out string, by syscall.Signal) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // who holds SIGHUP without end
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	if script != "" {
		cmd = exec.CommandContext(ctx, "/bin/sh", append([]string{"-c", script, os.Args[0]}, args...)...)
	}
	cmd.Env = append(os.Environ(), roleVariable+"="+role, "GORACE=atexit_sleep_ms=0")
	in, err := cmd.StdinPipe() // stays open
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(script, "trap") {
		_ = in.Close() // otherwise a host ends only by a SIGHUP
	}
	text, _ := cmd.Output()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		by = status.Signal()
	}
	return string(text), by
}

// Only a process that is about to be a service survives a SIGHUP. If it turns out to be none,
// it dies nevertheless, a little later. Under nohup(1) nothing changes.
func TestIssue10_9_BeforeMain(t *testing.T) {
	const holding, ignoring = "main, ignoring it: false\n", "main, ignoring it: true\n"
	for name, tt := range map[string]struct {
		script string
		args   []string
		out    string
		by     syscall.Signal
	}{
		"run":                     {"", []string{"--config", "x", "run"}, holding, syscall.SIGHUP},
		"run, under nohup":        {`trap "" HUP; exec "$0" "$@"`, []string{"run"}, ignoring, 0},
		"another command":         {"", []string{"serve"}, "", syscall.SIGHUP},
		"no command":              {"", nil, "", syscall.SIGHUP},
		"only like run":           {"", []string{"-run", "--run", "run=", "rerun"}, "", syscall.SIGHUP},
		"by systemd":              {`SYSTEMD_EXEC_PID=$$ exec "$0"`, nil, holding, syscall.SIGHUP},
		"by what systemd started": {`export SYSTEMD_EXEC_PID=$$; "$0"; kill -HUP $$`, nil, "", syscall.SIGHUP},
		"by spawn":                {`HOLDFAST_STARTER="sysv $$" exec "$0"`, nil, holding, syscall.SIGHUP},
		"by supervise":            {`export HOLDFAST_STARTER="sysv $PPID"; exec "$0"`, nil, holding, syscall.SIGHUP},
		"by somebody's":           {`export HOLDFAST_STARTER="sysv 1$$"; exec "$0"`, nil, "", syscall.SIGHUP},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if out, by := play(t, tt.out, "host", tt.script, tt.args...); out != tt.out || by != tt.by {
				t.Errorf("%q, ended by %v; want %q, %v", out, by, tt.out, tt.by)
			}
		})
	}
}

// The first caller of Early has SIGHUP for good. When it is released, a SIGHUP that has
// arrived takes effect.
func TestTakenOver(t *testing.T) {
	for role, tt := range map[string]struct {
		out string
		by  syscall.Signal
	}{
		"service":  {"held: true false\nalive\n", 0},
		"released": {"", syscall.SIGHUP},
	} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			if out, by := play(t, tt.out, role, "", "run"); out != tt.out || by != tt.by {
				t.Errorf("%q, ended by %v; want %q, %v", out, by, tt.out, tt.by)
			}
		})
	}
	t.Run("from main on", func(t *testing.T) {
		out, by := play(t, "alive\n", "later", `trap "" HUP; exec "$0" "$@"`, strconv.Itoa(os.Getpid()))
		if out != "alive\n" || by != 0 {
			t.Errorf("%q, ended by %v", out, by)
		}
	})
}
