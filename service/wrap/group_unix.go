//go:build unix

package wrap

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	defaultSignal = "SIGTERM"
	defaultKeys   = ""
	canNotify     = true
)

func isAbs(path string) bool { return filepath.IsAbs(path) }

// A group is a process group: a process and those that it has started, unless they have left the group.
type group int

func startGroup(cmd *exec.Cmd) (group, error) {
	cmd.SysProcAttr = attributes()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	return group(cmd.Process.Pid), nil
}

func (g group) kill()  { _ = syscall.Kill(-int(g), syscall.SIGKILL) }
func (g group) close() {}

// signalNamed returns the signal of that name, with or without the prefix SIG.
func signalNamed(name string) (syscall.Signal, error) {
	n := unix.SignalNum("SIG" + strings.TrimPrefix(strings.ToUpper(name), "SIG"))
	if n == 0 {
		return 0, fmt.Errorf("%q is not a signal of this system", name)
	}
	return n, nil
}

// signal sends a signal to the process or, if all is set, to its whole group.
func (p *process) signal(name string, all bool) error {
	sig, err := signalNamed(name)
	if err != nil {
		return err
	}
	if p.hasEnded() && !all {
		return os.ErrProcessDone
	}
	if all {
		return syscall.Kill(-p.pid(), sig)
	}
	return p.cmd.Process.Signal(sig)
}

// console does nothing on systems with signals.
func console(*exec.Cmd, Stop) {}

// A keyboard is nothing on systems with signals.
type keyboard struct{}

// ask asks a process to end, by a signal.
func (keyboard) ask(_ context.Context, p *process, o Stop) error { return p.signal(o.Signal, o.Tree) }

func outcomeOf(s *os.ProcessState) outcome {
	if w, ok := s.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return outcome{code: -1, signal: unix.SignalName(w.Signal()), number: int(w.Signal())}
	}
	return outcome{code: s.ExitCode()}
}

// asked reports whether this is the outcome of the signal name, or of another signal that a person or a
// manager may have sent to end the program.
func (o outcome) asked(name string) bool {
	for _, ask := range []string{name, "SIGTERM", "SIGINT", "SIGHUP"} {
		if sig, err := signalNamed(ask); err == nil && (o.number == int(sig) || o.code == 128+int(sig)) {
			return true
		}
	}
	return false
}
