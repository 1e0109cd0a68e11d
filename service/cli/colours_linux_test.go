package cli_test

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Colours are for terminals that show them, unless NO_COLOR asks for none. A pipe never gets
// any. An empty NO_COLOR took the colours from the commands, and not from the log.
func TestColoursAreForTerminals(t *testing.T) {
	for name, tt := range map[string]struct {
		env     string
		pipe    bool
		colours bool
	}{
		"terminal":       {"TERM=xterm", false, true},
		"NO_COLOR":       {"NO_COLOR=1", false, false},
		"NO_COLOR empty": {"NO_COLOR=", false, true},
		"dumb terminal":  {"TERM=dumb", false, false},
		"pipe":           {"TERM=xterm", true, false},
	} {
		for _, verb := range []string{"status", "doctor"} {
			t.Run(name+", "+verb, func(t *testing.T) {
				cmd := inDir(t, "agent", t.TempDir(), verb, "--manager", "none")
				cmd.Env = append(cmd.Env, "NO_COLOR=", "TERM=xterm", tt.env)
				var text string
				if tt.pipe {
					_, text, _ = outcome(t, cmd)
				} else {
					master, slave := pair(t)
					cmd.Stdout = slave
					_ = cmd.Run() // it ends with the code of a service that does not run
					_ = slave.Close()
					all, _ := io.ReadAll(master) // EIO at its end
					text = string(all)
				}
				if !strings.Contains(text, "agent") || strings.Contains(text, "\x1b[") != tt.colours {
					t.Errorf("%q has colours: want %v", text, tt.colours)
				}
			})
		}
	}
}

// pair returns both ends of a terminal.
func pair(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = master.Close() })
	fd := int(master.Fd()) //nolint:gosec // a descriptor
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = slave.Close() })
	return master, slave
}
