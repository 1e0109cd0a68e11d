//go:build unix

package wrap_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/service/wrap"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// An error that the command reports is added to the error of the start. Once it replaced that.
func TestErrnoIsAdded(t *testing.T) {
	t.Parallel()
	l := newLife(t, wrapped("errno")+"[wrap.ready]\nnotify = true").start()
	if code := l.end(); code != 3 {
		t.Errorf("exit code %d\n%s", code, l.scene())
	}
	l.says("ended before it was ready: exit code 3; it said ERRNO=2")
}

// A command may store its state and end at once, as sd_pid_notify_with_fds(3) advises. What it has sent is handled before its
// end, and was lost once.
func TestLastWordsAreHeard(t *testing.T) {
	dir, err := os.MkdirTemp("", "n") //nolint:usetesting // a socket's path is to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	words := make(chan string) // each one is handled when the test receives it
	s, err := wrap.ListenNotify(filepath.Join(dir, "s"), func(status string) {
		if status != "" {
			words <- status
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("NOTIFY_SOCKET", filepath.Join(dir, "s"))
	said := []string{"HOLDFAST_WRAP_SETTLED=1\nSTATUS=forged", "STATUS=1", "STATUS=2", "STATUS=3", "STATUS=4", "STATUS=5", "STATUS=6", "HOLDFAST_WRAP_SETTLED=1"}
	for _, word := range said {
		if err := tell(word); err != nil {
			t.Fatal(err)
		}
	}
	settled := make(chan struct{})
	go func() { s.Settle(); close(settled) }()
	for _, word := range said[:7] {
		_, want, _ := strings.Cut(word, "STATUS=")
		runtime.Gosched()
		select {
		case got := <-words:
			if got != want {
				t.Errorf("heard %q, want %q", got, want)
			}
		case <-settled:
			t.Fatalf("it is settled before %q is heard", want)
		}
	}
	wait.For(t, "its being settled", settled, func() string { return "" })
	s.Close()
	s.Settle() // nobody handles messages any more
}
