//go:build unix

package sockets_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/internal/sockets"
)

// store is a manager that keeps descriptors.
type store struct {
	mu    sync.Mutex
	t     *testing.T
	kept  []*os.File
	slow  chan struct{} // nil, or: what is forgotten is closed when that is
	heard []string

	forgets func() // nil, or: called before something is forgotten
}

func newStore(t *testing.T) *store {
	s := &store{t: t}
	t.Cleanup(func() {
		for _, f := range s.kept {
			_ = f.Close()
		}
	})
	return s
}

// another returns a duplicate of the descriptor of f.
func another(t *testing.T, f *os.File, name string) *os.File {
	t.Helper()
	raw, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	fd := -1
	if err := raw.Control(func(n uintptr) { fd, err = unix.FcntlInt(n, unix.F_DUPFD_CLOEXEC, 0) }); err != nil || fd < 0 {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), name)
}

func (s *store) Keep(_ context.Context, name string, f *os.File) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = append(s.heard, "keep "+name)
	s.kept = append(s.kept, another(s.t, f, name))
	return nil
}

func (s *store) Forget(_ context.Context, name string) error {
	if s.forgets != nil {
		s.forgets()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = append(s.heard, "forget "+name)
	var rest, gone []*os.File
	for _, f := range s.kept {
		if f.Name() == name {
			gone = append(gone, f)
		} else {
			rest = append(rest, f)
		}
	}
	s.kept = rest
	closeAll := func() {
		for _, f := range gone {
			_ = f.Close()
		}
	}
	if s.slow != nil {
		go func() { <-s.slow; closeAll() }()
		return nil
	}
	closeAll()
	return nil
}

// hand returns what the next process gets.
func (s *store) hand() (files []*os.File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.kept {
		files = append(files, another(s.t, f, f.Name()))
	}
	s.heard = nil
	return files
}

// process is one life of the service.
type process struct {
	*sockets.Set
	left []*os.File
	log  bytes.Buffer
}

func now() <-chan struct{} {
	ready := make(chan struct{})
	close(ready)
	return ready
}

// start starts a process with these sockets, to which s passes what it keeps. s may be nil.
func (s *store) start(t *testing.T, change func(*sockets.Options), all ...platform.Socket) (*process, error) {
	t.Helper()
	p := &process{}
	o := sockets.Options{Sockets: all, Ready: now(), Log: slog.New(slog.NewTextHandler(&p.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	if s != nil {
		o.Keeper, o.Handed = s, s.hand()
	}
	if change != nil {
		change(&o)
	}
	var err error
	p.Set, p.left, err = sockets.Open(t.Context(), o)
	if err == nil {
		t.Cleanup(p.Close)
	}
	return p, err
}

func (s *store) run(t *testing.T, all ...platform.Socket) *process {
	t.Helper()
	p, err := s.start(t, nil, all...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *process) listen(t *testing.T, name string) net.Listener {
	t.Helper()
	l, err := p.Listen(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func dial(t *testing.T, a net.Addr) net.Conn {
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), a.Network(), a.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// answer accepts one connection and writes word to it. conn must receive that.
func answer(t *testing.T, l net.Listener, conn net.Conn, word string) {
	t.Helper()
	served, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(served, word); err != nil {
		t.Fatal(err)
	}
	_ = served.Close()
	if got, err := io.ReadAll(conn); err != nil || string(got) != word {
		t.Fatalf("heard %q, %v", got, err)
	}
}

func tcp(name string) platform.Socket { return platform.Socket{Name: name, Listen: "tcp:127.0.0.1:0"} }

// says fails the test unless err, or the log, has all these parts.
func says(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q does not say %q", text, part)
		}
	}
}
