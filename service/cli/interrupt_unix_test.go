//go:build unix

package cli_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
)

const roleVariable = "HOLDFAST_CLI_TEST_ROLE"

// The test binary plays a program whose command blocks.
func TestMain(m *testing.M) {
	dir := os.Getenv("HOLDFAST_CLI_TEST_DIR")
	switch os.Getenv(roleVariable) {
	case "":
		os.Exit(m.Run())
	case "sleeps":
		time.Sleep(time.Hour)
	case "hung up":
		os.Exit(playHungUp(dir))
	case "agent":
		os.Exit(playAgent(dir))
	case "trialist":
		os.Exit(playTrialist(dir))
	case "acme":
		os.Exit(playAcme(dir))
	case "reads": // a configuration that lies where nobody answers
		cfg := service.Config{Name: "feedd", RuntimeDir: dir, StateDir: dir, Override: func(*service.Config) {
			fmt.Println("blocked")
			select {}
		}}
		os.Exit(cli.Main(cfg, nil))
	case "waits": // a manager that does not hear of the end of a context
		m := cli.ThisMachine()
		m.Manager = func(string) (platform.Manager, error) { return deafManager{}, nil }
		root := cli.CommandOn(m, service.Config{Name: "feedd", RuntimeDir: dir, StateDir: dir}, nil)
		os.Exit(cli.ExitCode(root.Execute()))
	}
}

// deafManager blocks in Start, whatever happens to its context.
type deafManager struct{ platform.Manager }

func (deafManager) Name() string { return "deaf" }
func (deafManager) Status(context.Context, platform.ID) (platform.Status, error) {
	return platform.Status{Installed: true, Phase: platform.PhaseStopped}, nil
}

func (deafManager) Logs(platform.ID, int, bool) []string { return nil }

func (deafManager) Start(ctx context.Context, _ platform.ID) error {
	fmt.Println("blocked")
	<-ctx.Done()
	fmt.Println("interrupted")
	select {}
}

// begin starts the test binary in a role, and returns when it is blocked.
func begin(t *testing.T, role string, args ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := inDir(t, role, t.TempDir(), args...)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	expect(t, lines, "blocked")
	return cmd, lines
}

func expect(t *testing.T, lines *bufio.Scanner, want string) {
	t.Helper()
	if !lines.Scan() || lines.Text() != want {
		t.Fatalf("it says %q, want %q", lines.Text(), want)
	}
}

// Every command ends at the first request, even while it reads its configuration from a place
// that never answers (fault B).
func TestFirstInterruptEndsWhatReads(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		for _, command := range []string{"status", "plan", "install", "uninstall", "start", "stop", "restart", "reload", "logs", "check", "await"} {
			t.Run(command+" "+sig.String(), func(t *testing.T) {
				t.Parallel()
				cmd, _ := begin(t, "reads", command)
				if err := cmd.Process.Signal(sig); err != nil {
					t.Fatal(err)
				}
				if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != 1 {
					t.Errorf("it ended with %v", err)
				}
			})
		}
	}
}

// If the first request does not end a command, the second one has its default action, as if we
// had never caught signals (fault B).
func TestSecondInterruptHasItsDefaultBack(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		if signal.Ignored(sig) { // by a shell without job control, in the background: its default is to be ignored still
			t.Logf("%v is ignored here", sig)
			continue
		}
		cmd, lines := begin(t, "waits", "start")
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		expect(t, lines, "interrupted")
		// The default action returns a moment after the context has ended.
		for cmd.Process.Signal(sig) == nil && syscall.Kill(cmd.Process.Pid, 0) == nil && !zombie(cmd.Process.Pid) {
		}
		err := cmd.Wait()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != sig {
			t.Errorf("%v: it ended with %v", sig, err)
		}
	}
}

// zombie reports whether a child has ended and waits to be reaped.
func zombie(pid int) bool {
	out, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && strings.HasPrefix(strings.TrimSpace(string(out)), "Z")
}
