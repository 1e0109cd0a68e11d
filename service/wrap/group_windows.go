package wrap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/internal/jobobject"
)

const (
	defaultSignal = ""
	defaultKeys   = "ctrl-c"
	canNotify     = false
)

// isAbs reports whether a path does not depend on the working directory, except for its drive.
func isAbs(path string) bool {
	return filepath.IsAbs(path) || strings.HasPrefix(filepath.ToSlash(path), "/")
}

// A group is a job object. It ends with its last handle, and so with us.
type group struct{ jobobject.Job }

func (g group) kill()  { g.Kill() }
func (g group) close() { _ = g.Close() }

func startGroup(cmd *exec.Cmd) (group, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NO_WINDOW}
	}
	j, err := jobobject.Start(cmd, 0)
	return group{j}, err
}

// fell kills p and all processes that it has started.
func (s *spawner) fell(p *process) { p.group.kill() }

// end kills the job of p. It returns when no process is left or ctx ends.
func (s *spawner) end(ctx context.Context, p *process) error {
	if p == nil {
		return nil
	}
	for {
		p.group.Kill()
		n, err := p.group.Alive()
		if err != nil || n == 0 && p.hasEnded() {
			return errors.Join(err, p.group.Close())
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%d processes did not end: %w", n, context.Cause(ctx))
		}
	}
}

var errNoSignals = errors.New("there are no signals on Windows")

func signalNamed(name string) (syscall.Signal, error) {
	return 0, fmt.Errorf("%q: %w", name, errNoSignals)
}

func (p *process) signal(name string, _ bool) error { return fmt.Errorf("%q: %w", name, errNoSignals) }

func outcomeOf(s *os.ProcessState) outcome { return outcome{code: s.ExitCode()} }

// controlCExit is the exit code of a program without a handler for ctrl-C or ctrl-break:
// STATUS_CONTROL_C_EXIT.
const controlCExit = 0xC000013A

func (o outcome) asked(string) bool { return uint32(o.code) == controlCExit }
