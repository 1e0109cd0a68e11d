package wrap_test

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/service/wrap"
	"github.com/holdfast-dev/holdfast/test/wait"
)

func canNotify() bool { return false }

const reloadSignal = syscall.SIGHUP

// A ctrl-C that we press for the command may reach us late. It ended wrap itself after 200 ms.
func TestOwnCtrlCIsNotHeardHoweverLate(t *testing.T) {
	var k wrap.Keyboard
	k.Press()
	if k.Hear(windows.CTRL_BREAK_EVENT) || !k.Hear(windows.CTRL_C_EVENT) {
		t.Error("the own ctrl-C is heard, or it hides ctrl-break")
	}
	if k.Hear(windows.CTRL_C_EVENT) {
		t.Error("the ctrl-C of a person is not heard")
	}
}

// nobody fails the test if a process is left whose PID is in a file.
func (l *life) nobody() {
	l.t.Helper()
	files, _ := filepath.Glob(l.path("pid.*"))
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			l.t.Fatal(err)
		}
		pid, err := strconv.Atoi(string(b))
		if err != nil {
			l.t.Fatal(err)
		}
		wait.Until(l.t, f+" is gone", func() bool { _, err := proc.Of(pid); return err != nil }, l.scene)
	}
}

func headless(string, []string) int { return 1 } // only Linux shows such a process

func hostile(string, []string) int { return 1 } // likewise

func ownSession() *syscall.SysProcAttr { return nil } // no process can leave the job

func stores(string, []string) int { return 1 } // only Linux keeps descriptors
