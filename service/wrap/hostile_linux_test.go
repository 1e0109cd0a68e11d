package wrap_test

import (
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform"
)

// hostile ignores all signals, has orphans of its own, and is in another session.
func hostile(dir string, args []string) int {
	for n := syscall.Signal(1); n < 65; n++ {
		signal.Ignore(n)
	}
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	for _, f := range []*os.File{os.Stdin, os.Stdout, os.Stderr} {
		_ = f.Close()
	}
	_, _ = syscall.Setsid()                                          // fails for the leader of a group
	_ = exec.Command("/bin/sh", "-c", "(setsid sleep 3000 &)").Run() // the result is unknown, because SIGCHLD is ignored
	cmd := exec.Command(os.Args[0], append([]string{"hostile"}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if depth := strings.Count(strings.Join(args, " "), "x"); depth < 3 {
		cmd.Args = append(cmd.Args, "x")
		if err := cmd.Start(); err != nil {
			return 1
		}
	}
	appendTo(filepath.Join(dir, args[0]), strconv.Itoa(os.Getpid())+"\n")
	time.Sleep(time.Hour)
	return 0
}

// A process that does everything to survive a stop does not.
func TestHostileCommand(t *testing.T) {
	t.Parallel()
	l := newLife(t, wrapped("hostile", "up")+"[wrap.stop]\ngrace = \"200ms\"\ntree = true").start().await(platform.PhaseReady)
	l.until("all four are there", func() bool { return strings.Count(l.read("up"), "\n") == 4 })
	if code := l.stop(); code != 1 {
		t.Errorf("exit code %d, want 1: it was killed\n%s", code, l.scene())
	}
	l.gone("up")
	l.nobody()
}
