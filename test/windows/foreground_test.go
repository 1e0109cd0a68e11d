//go:build windows

package windows_test

import (
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/windows"
)

// alone makes a service work without a manager, in directories of its own.
func (s *installed) alone() []string {
	return []string{"--manager", "none", "--runtime-dir", s.dir + `\run`, "--state-dir", s.dir + `\state`}
}

// Everything works in the foreground, without a manager and without signals.
func TestForegroundReloadAndStop(t *testing.T) {
	t.Parallel()
	s := newFeedd(t)
	h := s.byHand(t, s.alone()...)
	s.tells(t, "started", 1)
	eventually(t, "status says ready", func() bool { return s.do(t, "status", s.alone()...).code == 0 })
	s.do(t, "run", s.alone()...).want(t, 75)

	s.do(t, "reload", s.alone()...).want(t, 0)
	s.tells(t, "reloaded", 1)
	s.configure(t, "reload = 'fail port 80 is taken'")
	s.do(t, "reload", s.alone()...).want(t, 1, "port 80 is taken")

	s.do(t, "stop", s.alone()...).want(t, 0)
	if code := h.code(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	s.stoppedInOrder(t)
	s.do(t, "status", s.alone()...).want(t, 3)
}

func (s *installed) stoppedInOrder(t *testing.T) {
	t.Helper()
	var told []string
	for _, line := range s.lines(t, "st") {
		told = append(told, strings.Fields(line)[0])
	}
	if got, want := strings.Join(told, " "), "start started stop stopped"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
}

// Commands as a person types them at a terminal.
func TestForegroundAtATerminal(t *testing.T) {
	for _, tc := range []struct {
		name, role string // role runs at the terminal
		act        func(c *console)
		notOnWine  string
	}{
		{"ctrl-C", "ctrl-C", func(*console) {}, ""},
		{"ctrl-Break", "ctrl-Break", func(*console) {}, "Wine lets ctrl-Break reach nobody"},
		{"shut the window", "run", func(c *console) { go c.close() }, "Wine tells nobody of the end of a pseudo console"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.notOnWine != "" && onWine() {
				t.Skip(tc.notOnWine)
			}
			s := newFeedd(t, "stop = 'wait 1s'")
			c := openConsole(t, append([]string{s.exe, tc.role, "--instance", s.instance, "--config", s.config}, s.alone()...)...)
			s.tells(t, "started", 1)
			tc.act(c)
			if code := c.code(t); code != 0 {
				t.Errorf("exit code %#x", code)
			}
			s.stoppedInOrder(t)
		})
	}
}

// keysMain runs the service at its terminal, and presses a key there as soon as the service is
// ready. All processes at the terminal get it.
func keysMain(event uint32) int {
	signal.Notify(make(chan os.Signal, 1), os.Interrupt) // signal.Ignore would be to die of it
	// Children inherit that ctrl-C is ignored.
	if ok, _, _ := windows.NewLazySystemDLL("kernel32.dll").NewProc("SetConsoleCtrlHandler").Call(0, 0); ok == 0 {
		return 101
	}
	cmd := exec.Command(os.Args[0], append([]string{"run"}, os.Args[2:]...)...)
	if err := cmd.Start(); err != nil {
		return 102
	}
	status := append([]string{"status", "--json"}, os.Args[2:]...)
	for deadline := time.Now().Add(soon); ; {
		if out, _ := exec.Command(os.Args[0], status...).Output(); strings.Contains(string(out), `"ready": true`) { // 0 it ends with while it starts, too
			break
		}
		if time.Now().After(deadline) {
			return 103
		}
	}
	if err := windows.GenerateConsoleCtrlEvent(event, 0); err != nil {
		return 104
	}
	_ = cmd.Wait()
	return cmd.ProcessState.ExitCode()
}
