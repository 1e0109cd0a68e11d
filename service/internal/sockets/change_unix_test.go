//go:build unix

package sockets_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
)

// A changed address takes effect in a running program. The new socket is open before the old
// one is closed, clients that wait at the old one are answered, and Accept continues at the
// new one.
func TestChange(t *testing.T) {
	dir := shortDir(t)
	s := newStore(t)
	p := s.run(t, tcp("web"), platform.Socket{Name: "api", Listen: "unix:" + dir + "/old"}, platform.Socket{Name: "same", Listen: "tcp:127.0.0.1:0"})
	web, api, same := p.listen(t, "web"), p.listen(t, "api"), p.listen(t, "same")
	before := web.Addr()
	waits := dial(t, before)
	accepted := make(chan net.Conn)
	go func() {
		for {
			conn, err := api.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- conn
		}
	}()
	port := freePort(t)
	now := []platform.Socket{
		{Name: "web", Listen: "tcp:127.0.0.1:" + port}, {Name: "api", Listen: "unix:" + dir + "/new", Mode: "0600"}, {Name: "same", Listen: "tcp:127.0.0.1:0", Backlog: 7},
	}
	s.heard = nil
	for range 2 { // the second time there is nothing to change
		c, err := p.Change(t.Context(), now)
		if err != nil || c == nil {
			t.Fatal(c, err)
		}
		if err := c.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if runtime.GOOS == "linux" { // others cut them off
		answer(t, web, waits, "from the old one")
	}
	if web.Addr().String() != "127.0.0.1:"+port {
		t.Errorf("it listens at %v", web.Addr())
	}
	answer(t, web, dial(t, web.Addr()), "from the new one")
	conn := dial(t, api.Addr())
	served := <-accepted
	if served == nil || api.Addr().String() != dir+"/new" {
		t.Fatal(api.Addr())
	}
	_ = served.Close()
	_ = conn.Close()
	answer(t, same, dial(t, same.Addr()), "as before")
	var d net.Dialer
	if _, err := d.DialContext(t.Context(), "tcp", before.String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("the old address: %v", err)
	}
	if left, _ := filepath.Glob(dir + "/*"); !slices.Equal(left, []string{dir + "/new"}) {
		t.Errorf("files: %q", left)
	}
	want := []string{"forget holdfast.web", "forget holdfast.api", "keep holdfast.web", "keep holdfast.api"}
	if !slices.Equal(s.heard, want) || len(s.kept) != 3 {
		t.Errorf("heard %q, %d kept", s.heard, len(s.kept))
	}
	p.Close()
	if _, ok := <-accepted; ok {
		t.Error("it goes on after the end")
	}
	s.run(t, now...)
	if len(s.heard) > 0 {
		t.Errorf("the next process: %q", s.heard)
	}
}

// If an address cannot be used, nothing changes. What a running program cannot take is
// reported.
func TestChangeThatCannotBe(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := newStore(t)
	dns := platform.Socket{Name: "dns", Listen: "udp:127.0.0.1:0"}
	p := s.run(t, tcp("api"), tcp("web"), dns)
	api, web := p.listen(t, "api"), p.listen(t, "web")
	s.heard = nil
	free := "127.0.0.1:" + freePort(t)
	if c, err := p.Change(t.Context(), []platform.Socket{{Name: "api", Listen: "tcp:" + free}, {Name: "web", Listen: "tcp:" + l.Addr().String()}, dns}); !errors.Is(err, syscall.EADDRINUSE) || c != nil {
		t.Errorf("%v, %v", c, err)
	}
	c, err := p.Change(t.Context(), []platform.Socket{{Name: "api", Listen: "tcp:" + free}, tcp("web"), dns})
	if err != nil || c == nil {
		t.Fatal(err)
	}
	c.Rollback()
	for name, all := range map[string][]platform.Socket{
		"one more":     {tcp("api"), tcp("web"), dns, tcp("more")},
		"one less":     {tcp("api"), tcp("web")},
		"another name": {tcp("api"), tcp("site"), dns},
		"packets":      {tcp("api"), tcp("web"), {Name: "dns", Listen: "udp:127.0.0.2:0"}},
	} {
		if c, err := p.Change(t.Context(), all); c != nil || err != nil {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
	answer(t, api, dial(t, api.Addr()), "as before")
	answer(t, web, dial(t, web.Addr()), "as before")
	isFree(t, free)
	if len(s.heard) > 0 {
		t.Errorf("heard %q", s.heard)
	}
}

// If one socket cannot be changed, none is. Those that were changed before are restored, and
// new ones are closed.
func TestChangeOfWhichOnePartFails(t *testing.T) {
	dir := shortDir(t)
	s := newStore(t)
	a, b := platform.Socket{Name: "a", Listen: "unix:" + dir + "/a", Mode: "0600"}, platform.Socket{Name: "b", Listen: "unix:" + dir + "/b"}
	p := s.run(t, a, b, tcp("web"))
	for _, name := range []string{"a", "b"} {
		p.listen(t, name)
	}
	web := p.listen(t, "web")
	s.heard = nil
	free := "127.0.0.1:" + freePort(t)
	wide, lost := a, b
	wide.Mode, lost.Owner = "0666", "nobody-of-that-name"
	c, err := p.Change(t.Context(), []platform.Socket{wide, lost, {Name: "web", Listen: "tcp:" + free}})
	if err != nil || c == nil {
		t.Fatal(c, err)
	}
	if err := c.Commit(t.Context()); err == nil {
		t.Error("it takes an owner that there is not")
	} else {
		says(t, err.Error(), `socket "b": owner: `, lost.Owner)
	}
	if info, err := os.Lstat(dir + "/a"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the first one: %v, %v", info.Mode(), err)
	}
	answer(t, web, dial(t, web.Addr()), "as before")
	isFree(t, free)
	if c, err := p.Change(t.Context(), []platform.Socket{a, b, tcp("web")}); err != nil || c == nil || len(s.heard) > 0 {
		t.Errorf("%v, %v, heard %q", c, err, s.heard)
	}
}

// A reload that overruns into the stop leaves no socket open.
func TestChangeAfterTheStop(t *testing.T) {
	s := newStore(t)
	p := s.run(t, tcp("api"))
	p.listen(t, "api")
	free := "127.0.0.1:" + freePort(t)
	c, err := p.Change(t.Context(), []platform.Socket{{Name: "api", Listen: "tcp:" + free}})
	if err != nil || c == nil {
		t.Fatal(c, err)
	}
	s.heard = nil
	p.Close()
	if err := c.Commit(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	isFree(t, free)
	if len(s.heard) > 0 {
		t.Errorf("heard %q: the next process would not get its socket", s.heard)
	}
}

// A program that stops has closed its listener. A reload that comes too late for it opens no
// socket at which this process would accept, and leaves the sockets that the manager keeps
// alone.
func TestChangeAfterTheProgramHasClosed(t *testing.T) {
	s := newStore(t)
	p := s.run(t, tcp("api"))
	l := p.listen(t, "api")
	_ = l.Close()
	s.heard = nil
	free := "127.0.0.1:" + freePort(t)
	c, err := p.Change(t.Context(), []platform.Socket{{Name: "api", Listen: "tcp:" + free}})
	if err != nil || c == nil {
		t.Fatal(c, err)
	}
	if err := c.Commit(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	isFree(t, free)
	if len(s.heard) > 0 {
		t.Errorf("heard %q", s.heard)
	}

	// It may also close it in the middle.
	s = newStore(t)
	p = s.run(t, tcp("api"))
	l = p.listen(t, "api")
	s.forgets = func() { _ = l.Close() }
	if c, err = p.Change(t.Context(), []platform.Socket{{Name: "api", Listen: "tcp:" + free}}); err != nil || c == nil {
		t.Fatal(c, err)
	}
	if err := c.Commit(t.Context()); err != nil {
		t.Error(err)
	}
	at, err := net.ResolveTCPAddr("tcp", free)
	if err != nil {
		t.Fatal(err)
	}
	waits := dial(t, at)
	if conn, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("it accepts %v, %v", conn, err)
	}
	p.Close()
	next := s.run(t, platform.Socket{Name: "api", Listen: "tcp:" + free}).listen(t, "api")
	answer(t, next, waits, "the next process")
}

// isFree fails the test unless it is possible to listen at the address.
func isFree(t *testing.T, address string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
}
