//go:build unix

package cli_test

import (
	"bufio"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/service/cli"
)

// hungUp is a program that gets a SIGHUP as early as the program's own code is
// reached: while Main makes the commands, long before one runs.
type hungUp struct{ agent }

func (hungUp) Tables() map[string]any {
	if os.Getenv("HOLDFAST_CLI_TEST_HANGUP") != "" && os.Unsetenv("HOLDFAST_CLI_TEST_HANGUP") == nil {
		_ = syscall.Kill(os.Getpid(), syscall.SIGHUP)
	}
	return nil
}

func playHungUp(dir string) int { return cli.Main(agentConfig(dir), hungUp{}) }

// A SIGHUP does not kill what a manager starts from the first line of Main on. Any
// other command dies of it, as it would without us, unless nohup(1) says no.
func TestIssue10_9_HangupBeforeTheCommand(t *testing.T) {
	if signal.Ignored(syscall.SIGHUP) {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) // or our children ignore it
		t.Cleanup(func() { signal.Reset(syscall.SIGHUP) })
	}
	start := func(t *testing.T, args ...string) (*exec.Cmd, *bufio.Scanner) {
		cmd := inDir(t, "hung up", t.TempDir(), args...)
		cmd.Env = append(cmd.Env, "HOLDFAST_CLI_TEST_HANGUP=1")
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
	signalled := func(cmd *exec.Cmd) syscall.Signal {
		status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if !status.Signaled() {
			return 0
		}
		return status.Signal()
	}
	t.Run("run", func(t *testing.T) {
		cmd, lines := start(t, "run")
		expect(t, lines, "started ")
		_ = cmd.Process.Signal(syscall.SIGHUP)
		expect(t, lines, "reloaded") // that one is the service's
		_ = cmd.Process.Signal(syscall.SIGTERM)
		expect(t, lines, "stopped")
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	t.Run("spawn", func(t *testing.T) {
		cmd, lines := start(t, "spawn", "--", "/bin/sh", "-c", "kill -HUP $$; echo alive")
		expect(t, lines, "alive")
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	t.Run("version", func(t *testing.T) {
		cmd, lines := start(t, "version")
		if lines.Scan() {
			t.Errorf("it goes on: %q", lines.Text())
		}
		_ = cmd.Wait()
		if got := signalled(cmd); got != syscall.SIGHUP {
			t.Errorf("version ended by %v: %v", got, cmd.ProcessState)
		}
	})
	t.Run("version under nohup", func(t *testing.T) {
		cmd := inDir(t, "hung up", t.TempDir(), "version")
		cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", `trap "" HUP; exec "$0" version`, os.Args[0]}
		cmd.Env = append(cmd.Env, "HOLDFAST_CLI_TEST_HANGUP=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
}
