package test_test

import (
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A service opens its configuration right after it has registered its signal handlers, which
// is the first thing in Run. The kernel reports that opening to whoever watches the file. So a
// test knows, a few instructions later, that Run has begun.

// gate is a configuration that reports when it is opened.
type gate struct{ events *os.File }

// gated gives the service an empty configuration, for one start.
func (p *place) gated(t *testing.T) *gate {
	t.Helper()
	p.config = filepath.Join(t.TempDir(), "feedd.toml")
	must(t, os.WriteFile(p.config, nil, 0o600))
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	must(t, err)
	g := &gate{os.NewFile(uintptr(fd), "inotify")}
	t.Cleanup(func() { _ = g.events.Close() })
	_, err = unix.InotifyAddWatch(fd, p.config, unix.IN_OPEN)
	must(t, err)
	return g
}

// begun waits until a opens its configuration.
func (g *gate) begun(t *testing.T, a *process) {
	t.Helper()
	must(t, g.events.SetReadDeadline(time.Now().Add(soon)))
	if _, err := g.events.Read(make([]byte, unix.SizeofInotifyEvent+unix.NAME_MAX+1)); err != nil {
		t.Fatalf("process %d never read its configuration: %v", a.pid, err)
	}
}

// atOnce runs the service n times, eight at a time on any number of processors: one after
// the other in each of eight places.
func atOnce(t *testing.T, n int, live func(t *testing.T, i int, p place)) {
	exe := plainBinary(t)
	var workers sync.WaitGroup
	next := make(chan int)
	for range 8 {
		p := newPlace(t)
		p.exe = exe
		workers.Go(func() {
			for i := range next {
				t.Run(strconv.Itoa(i), func(t *testing.T) { live(t, i, *p) })
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	workers.Wait()
}
