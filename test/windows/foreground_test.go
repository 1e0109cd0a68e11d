//go:build windows

package windows_test

import (
	"strconv"
	"testing"

	"golang.org/x/sys/windows"
)

// In the foreground, without a manager: there are no signals, and yet everything works.
func TestForegroundReloadAndStop(t *testing.T) {
	t.Parallel()
	s := newFeedd(t)
	alone := []string{"--manager", "none", "--runtime-dir", s.dir + `\run`, "--state-dir", s.dir + `\state`}
	h := s.byHand(t, alone...)
	s.tells(t, "started", 1)
	eventually(t, "status says ready", func() bool { return s.do(t, "status", alone...).code == 0 })
	s.do(t, "run", alone...).want(t, 75, strconv.Itoa(h.cmd.Process.Pid))

	s.do(t, "reload", alone...).want(t, 0)
	s.tells(t, "reloaded", 1)
	s.configure(t, "reload = 'fail port 80 is taken'")
	s.do(t, "reload", alone...).want(t, 1, "port 80 is taken")

	s.do(t, "stop", alone...).want(t, 0)
	if code := h.code(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if lines := s.lines(t, "stopped"); len(lines) != 1 {
		t.Errorf("no ordered stop: told %q", lines)
	}
	s.do(t, "status", alone...).want(t, 3)
}

// Ctrl-Break reaches a process group of its own; ctrl-C would be ignored there, and takes the same way in os/signal.
func TestForegroundCtrlBreak(t *testing.T) {
	t.Parallel()
	s := newFeedd(t)
	h := s.byHand(t, "--manager", "none", "--runtime-dir", s.dir+`\run`, "--state-dir", s.dir+`\state`)
	s.tells(t, "started", 1)
	if err := windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(h.cmd.Process.Pid)); err != nil {
		t.Skipf("this test has no console to press ctrl-Break at: %v", err)
	}
	if code := h.code(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if lines := s.lines(t, "stopped"); len(lines) != 1 {
		t.Errorf("no ordered stop: told %q", lines)
	}
}
