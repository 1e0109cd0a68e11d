//go:build linux || darwin

package test_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A service reads its configuration right after it has registered its signal
// handlers, the first thing in Run. Where the configuration is a FIFO, it waits
// there for us: this is how a test knows that Run has begun, to the instruction.

// gate makes the configuration a FIFO, for one start.
func (p *place) gate(t *testing.T) {
	t.Helper()
	p.config = filepath.Join(t.TempDir(), "feedd.toml")
	must(t, syscall.Mkfifo(p.config, 0o600))
}

// begun waits until a stands at the gate. What it returns lets a in, with the
// configuration text, which from then on is in an ordinary file.
func (p *place) begun(t *testing.T, a *process, text string) (enter func()) {
	t.Helper()
	type opening struct {
		file *os.File
		err  error
	}
	opened := make(chan opening, 1)
	go func() { // open(2) returns when a has opened it to read
		f, err := os.OpenFile(p.config, os.O_WRONLY, 0)
		opened <- opening{f, err}
	}()
	var fifo opening
	select {
	case fifo = <-opened:
	case <-a.ended:
		p.unblock(t)
		t.Fatalf("it ended before it read its configuration: %v", a.cmd.ProcessState)
	case <-time.After(soon):
		p.unblock(t)
		t.Fatal("it never read its configuration")
	}
	must(t, fifo.err)
	file := p.config + ".file"
	must(t, os.WriteFile(file, []byte(text), 0o600))
	must(t, os.Rename(file, p.config))
	return func() {
		_, err := fifo.file.WriteString(text)
		must(t, errors.Join(err, fifo.file.Close()))
	}
}

// unblock ends an open(2) that waits for a reader.
func (p *place) unblock(t *testing.T) {
	t.Helper()
	f, err := os.OpenFile(p.config, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	must(t, err)
	_ = f.Close()
}

// atOnce lives n lives, eight at a time whatever the number of processors. The
// lives in one place follow each other; those of eight places do not mind.
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
