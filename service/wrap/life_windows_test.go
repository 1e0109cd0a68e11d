package wrap_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/platform"
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

// A command that has just been started has no console yet. It was asked in vain, and killed when the grace
// was over.
func TestStopBeforeTheCommandHasAConsole(t *testing.T) {
	t.Parallel()
	l := newLife(t, wrapped("headless")+"[wrap.ready]\nlog = \"headless\"\n[wrap.stop]\ngrace = \"10m\"").start().await(platform.PhaseReady)
	l.signal(syscall.SIGTERM)
	l.says("stopping")
	l.touch("screen")
	if code := l.end(); code != 0 || strings.Contains(l.logText(), "grace") {
		t.Errorf("exit code %d\n%s", code, l.scene())
	}
}

// headless has no console until the file "screen" exists.
func headless(dir string, _ []string) int {
	kernel32 := windows.NewLazySystemDLL("kernel32.dll")
	_, _, _ = kernel32.NewProc("FreeConsole").Call()
	fmt.Println("headless")
	awaitFile(filepath.Join(dir, "screen"))
	_, _, _ = kernel32.NewProc("AllocConsole").Call()
	awaitStop()
	return 0
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

func hostile(string, []string) int { return 1 } // likewise

func ownSession() *syscall.SysProcAttr { return nil } // no process can leave the job

func stores(string, []string) int { return 1 } // only Linux keeps descriptors
