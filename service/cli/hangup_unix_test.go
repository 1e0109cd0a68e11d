//go:build unix

package cli_test

import (
	"bufio"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// These are the moments at which a program of these tests gets a SIGHUP.
const (
	hangupVariable = "HOLDFAST_CLI_TEST_HANGUP"
	beforeMain     = "before main" // as its packages are initialised
	withinMain     = "within Main" // while Main makes the commands, long before one runs
)

// held is how long a SIGHUP is held until main asks for it: the grace of package hangup.
const held = 2 * time.Second

var _ = hangUp(beforeMain)

func hangUp(when string) bool {
	return os.Getenv(hangupVariable) == when && os.Unsetenv(hangupVariable) == nil && syscall.Kill(os.Getpid(), syscall.SIGHUP) == nil
}

// hungUp is the agent, reached while Main makes the commands.
type hungUp struct{ agent }

func (hungUp) Tables() map[string]any {
	hangUp(withinMain)
	return nil
}

func playHungUp(dir string) int { return cli.Main(agentConfig(dir), hungUp{}) }

// From before main on, a SIGHUP does not kill a command that a manager starts. It kills any
// other command, as it would without us, unless nohup(1) prevents it.
func TestIssue10_9_HangupBeforeTheCommand(t *testing.T) {
	if signal.Ignored(syscall.SIGHUP) {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) // or our children ignore it
		t.Cleanup(func() { signal.Reset(syscall.SIGHUP) })
	}
	mounted := []string{"admin", "acme-agent"}
	for name, tt := range map[string]struct {
		when, role, how string
		args            []string
		survives        bool
	}{
		"before main: run":                   {beforeMain, "hung up", "", []string{"run"}, true},
		"before main: run, under nohup":      {beforeMain, "hung up", "nohup", []string{"run"}, true},
		"before main: run, mounted":          {beforeMain, "acme", "", append(mounted[:2:2], "run"), true},
		"before main: version":               {beforeMain, "hung up", "", []string{"version"}, false},
		"before main: version, under nohup":  {beforeMain, "hung up", "nohup", []string{"version"}, true},
		"before main: another run":           {beforeMain, "hung up", "", []string{"version", "--instance", "run"}, false},
		"before main: another run, mounted":  {beforeMain, "acme", "", append(mounted[:2:2], "version", "--instance", "run"), false},
		"before main: what systemd executed": {beforeMain, "hung up", "systemd", []string{"version"}, false},
		"within Main: run":                   {withinMain, "hung up", "", []string{"run"}, true},
		"within Main: spawn":                 {withinMain, "hung up", "", []string{"spawn", "--", "/bin/sh", "-c", "kill -HUP $$; echo alive"}, true},
		"within Main: version":               {withinMain, "hung up", "", []string{"version"}, false},
		"within Main: version, under nohup":  {withinMain, "hung up", "nohup", []string{"version"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			start := func() (*exec.Cmd, *bufio.Scanner) {
				cmd := inDir(t, tt.role, t.TempDir(), tt.args...)
				if before := map[string]string{"nohup": `trap "" HUP; `, "systemd": "SYSTEMD_EXEC_PID=$$ "}[tt.how]; before != "" {
					cmd.Path, cmd.Args = "/bin/sh", append([]string{"sh", "-c", before + `exec "$0" "$@"`, os.Args[0]}, tt.args...)
				}
				cmd.Env = append(cmd.Env, hangupVariable+"="+tt.when)
				out, err := cmd.StdoutPipe()
				if err == nil {
					err = cmd.Start()
				}
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
				return cmd, bufio.NewScanner(out)
			}
			first := time.Now()
			cmd, lines := start()
			said := lines.Scan()
			for begun := first; tt.survives && !said && cameLate(t, cmd, begun) && time.Since(first) < wait.Limit; said = lines.Scan() {
				begun = time.Now()
				cmd, lines = start()
			}
			switch {
			case !tt.survives:
				if said && !strings.HasPrefix(lines.Text(), "hook") {
					t.Errorf("it goes on: %q", lines.Text())
				}
				for lines.Scan() {
				}
				_ = cmd.Wait()
				if s, _ := cmd.ProcessState.Sys().(syscall.WaitStatus); !s.Signaled() || s.Signal() != syscall.SIGHUP {
					t.Errorf("it ended by %v", cmd.ProcessState)
				}
				return
			case tt.args[len(tt.args)-1] == "run":
				if tt.role == "acme" {
					if lines.Text() != "hook of acme: run" {
						t.Fatalf("it says %q first", lines.Text())
					}
					lines.Scan()
				}
				if lines.Text() != "started " {
					t.Fatalf("it says %q", lines.Text())
				}
				_ = cmd.Process.Signal(syscall.SIGHUP)
				expect(t, lines, "reloaded") // that one is the service's
				_ = cmd.Process.Signal(syscall.SIGTERM)
				if lines.Scan() && lines.Text() == "reloaded" { // the first, if os/signal was not done with it when Run listened
					lines.Scan()
				}
				if lines.Text() != "stopped" {
					t.Errorf("it says %q, want stopped", lines.Text())
				}
			case tt.args[0] == "spawn":
				if lines.Text() != "alive" {
					t.Errorf("it says %q", lines.Text())
				}
			}
			for lines.Scan() {
			}
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

// cameLate reports whether a program died of SIGHUP because it came to its main too late, as it can on
// a busy machine. If nothing had held the signal, it would have died at once.
func cameLate(t *testing.T, cmd *exec.Cmd, begun time.Time) bool {
	t.Helper()
	_ = cmd.Wait()
	took := time.Since(begun)
	t.Logf("it said nothing, and after %v there was %v", took, cmd.ProcessState)
	s, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	return s.Signaled() && s.Signal() == syscall.SIGHUP && took >= held
}

// Slow initialisation comes after the claim: everything that formats or compiles expressions
// depends on these two packages.
func TestIssue10_9_ClaimIsInitialisedFirst(t *testing.T) {
	cmd := inDir(t, "agent", t.TempDir(), "version")
	cmd.Env = append(cmd.Env, "GODEBUG=inittrace=1")
	_, _, trace := outcome(t, cmd)
	at := func(name string) int { return strings.Index(trace, "init "+name+" @") }
	claim := at("github.com/holdfast-dev/holdfast/service/internal/hangup")
	for _, late := range []string{"unicode", "reflect"} {
		if claim < 0 || at(late) < claim {
			t.Errorf("%s is initialised at %d, the claim at %d:\n%s", late, at(late), claim, trace)
		}
	}
}
