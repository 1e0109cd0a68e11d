//go:build unix

package sockets_test

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/internal/sockets"
)

// A client that connects while there is no process is answered by the next one.
func TestSocketOutlivesItsProcess(t *testing.T) {
	path := shortDir(t) + "/api.sock"
	for name, socket := range map[string]platform.Socket{
		"tcp": tcp("api"), "unix": {Name: "api", Listen: "unix:" + path}, "all": {Name: "api", Listen: "tcp::0"},
		"a backlog": {Name: "api", Listen: "tcp:127.0.0.1:0", Backlog: 5, ReusePort: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			p := s.run(t, socket)
			l := p.listen(t, "api")
			at := l.Addr()
			answer(t, l, dial(t, at), "one")
			for range 3 {
				p.Close()
				if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
					t.Errorf("accept at the stop: %v", err)
				}
				between := dial(t, at)
				p = s.run(t, socket)
				l = p.listen(t, "api")
				if l.Addr().String() != at.String() {
					t.Fatalf("it listens at %s now, and did at %s", l.Addr(), at)
				}
				answer(t, l, between, "next")
				if len(s.kept) != 1 || len(s.heard) != 0 {
					t.Errorf("kept: %d, heard: %q", len(s.kept), s.heard)
				}
			}
		})
	}
}

func TestPacketsWaitForTheNextProcess(t *testing.T) {
	s := newStore(t)
	socket := platform.Socket{Name: "dns", Listen: "udp:127.0.0.1:0"}
	p := s.run(t, socket)
	c, err := p.ListenPacket("dns")
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	if _, err := dial(t, c.LocalAddr()).Write([]byte("query")); err != nil {
		t.Fatal(err)
	}
	if c, err = s.run(t, socket).ListenPacket("dns"); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	if n, _, err := c.ReadFrom(buf); err != nil || string(buf[:n]) != "query" {
		t.Errorf("got %q, %v", buf[:n], err)
	}
}

// Without a manager that keeps it, a socket ends with its process and leaves no file.
func TestNobodyKeepsIt(t *testing.T) {
	path := shortDir(t) + "/api.sock"
	var s *store
	p := s.run(t, tcp("web"), platform.Socket{Name: "api", Listen: "unix:" + path})
	at := p.listen(t, "web").Addr()
	p.Close()
	p.Close()
	var d net.Dialer
	if conn, err := d.DialContext(t.Context(), "tcp", at.String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("connected to %v, %v", conn, err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file: %v", err)
	}
}

// Nothing is accepted before the service is ready. A stop ends the wait.
func TestAcceptWaitsForReadiness(t *testing.T) {
	ready := make(chan struct{})
	p, err := newStore(t).start(t, func(o *sockets.Options) { o.Ready = ready }, tcp("api"), tcp("never"))
	if err != nil {
		t.Fatal(err)
	}
	l, never := p.listen(t, "api"), p.listen(t, "never")
	conn := dial(t, l.Addr())
	accepted := make(chan net.Conn, 1)
	go func() {
		c, _ := l.Accept()
		accepted <- c
	}()
	ended := make(chan error, 1)
	go func() { _, err := never.Accept(); ended <- err }()
	if err := never.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("it ended with %v", err)
	}
	select {
	case <-accepted:
		t.Error("accepted before it is ready")
	default:
	}
	close(ready)
	if c := <-accepted; c == nil || c.RemoteAddr().String() != conn.LocalAddr().String() {
		t.Errorf("accepted %v", c)
	}
}

// Passed sockets are checked. One that is not as configured is replaced, logged, closed and
// forgotten.
func TestWhatWasHandedOverIsChecked(t *testing.T) {
	const mark = sockets.Mark
	for name, tt := range map[string]struct {
		before []platform.Socket
		names  map[string]string // under which others were kept; empty: as they are
		socket platform.Socket
		same   bool
		heard  []string
		log    string
	}{
		"another name":    {[]platform.Socket{tcp("old")}, nil, tcp("api"), true, []string{"keep " + mark + "api", "forget " + mark + "old"}, ""},
		"a socket unit's": {[]platform.Socket{tcp("api")}, map[string]string{mark + "api": "feedd.socket"}, tcp("api"), true, nil, ""},
		"its own name":    {[]platform.Socket{tcp("api")}, map[string]string{mark + "api": "api"}, tcp("api"), true, nil, ""},
		"another kind": {
			[]platform.Socket{{Name: "api", Listen: "udp:127.0.0.1:0"}},
			nil, tcp("api"), false,
			[]string{"forget " + mark + "api", "keep " + mark + "api"},
			"another kind of socket",
		},
		"another address": {
			[]platform.Socket{{Name: "api", Listen: "tcp:127.0.0.1:0"}},
			nil,
			platform.Socket{Name: "api", Listen: "tcp:127.0.0.2:0"},
			false,
			[]string{"forget " + mark + "api", "keep " + mark + "api"},
			"another address",
		},
		"another family": {
			[]platform.Socket{{Name: "api", Listen: "tcp:127.0.0.1:0"}},
			nil,
			platform.Socket{Name: "api", Listen: "tcp:[::1]:0"},
			false,
			[]string{"forget " + mark + "api", "keep " + mark + "api"},
			"another address",
		},
		"both families before": {
			[]platform.Socket{{Name: "api", Listen: "tcp::0"}},
			nil,
			platform.Socket{Name: "api", Listen: "tcp::0", IPv6Only: true},
			false,
			[]string{"forget " + mark + "api", "keep " + mark + "api"},
			"another ipv6_only",
		},
		"one too many": {
			[]platform.Socket{tcp("api"), tcp("more")},
			nil, tcp("api"), true,
			[]string{"forget " + mark + "more"},
			"in no [[service.socket]]",
		},
		"two of one name": {
			[]platform.Socket{tcp("api"), tcp("more")},
			map[string]string{mark + "more": mark + "api"},
			tcp("api"), true,
			[]string{"forget " + mark + "api", "keep " + mark + "api"},
			"in no [[service.socket]]",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.socket.Listen == "tcp:127.0.0.2:0" && !possible(tt.socket) || strings.Contains(tt.socket.Listen, "::") && !possible(platform.Socket{Listen: "tcp:[::1]:0"}) {
				t.Skip("this machine has no such address")
			}
			s := newStore(t)
			p := s.run(t, tt.before...)
			var at string
			if l, err := p.Listen(tt.before[0].Name); err == nil {
				at = l.Addr().String()
			}
			p.Close()
			for i, f := range s.kept {
				if other, ok := tt.names[f.Name()]; ok {
					s.kept[i] = another(t, f, other)
					_ = f.Close()
				}
			}
			p = s.run(t, tt.socket)
			l := p.listen(t, tt.socket.Name)
			if (l.Addr().String() == at) != tt.same {
				t.Errorf("it listens at %s, and did at %s", l.Addr(), at)
			}
			if !slices.Equal(s.heard, tt.heard) {
				t.Errorf("heard %q, want %q", s.heard, tt.heard)
			}
			says(t, p.log.String(), tt.log)
			answer(t, l, dial(t, l.Addr()), "fine")
			if len(p.left) > 0 {
				t.Errorf("left to the program: %v", p.left)
			}
			p.Close()
			s.run(t, tt.socket) // and now all is in order
			if tt.names == nil && len(s.heard) > 0 {
				t.Errorf("again: heard %q", s.heard)
			}
		})
	}
}

func possible(socket platform.Socket) bool {
	a, err := socket.Address()
	if err != nil {
		return false
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", a.Dial())
	if err == nil {
		_ = l.Close()
	}
	return err == nil
}

// A descriptor that does not listen, or is no socket, is not taken for a socket.
func TestForeignDescriptors(t *testing.T) {
	s := newStore(t)
	file, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn := dial(t, l.Addr())
	connected, err := conn.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer connected.Close()
	s.kept = []*os.File{another(t, file, sockets.Mark+"api"), another(t, connected, sockets.Mark+"web"), another(t, file, "unknown")}
	p := s.run(t, tcp("api"), tcp("web"))
	says(t, p.log.String(), "no socket", "it does not listen", "name=unknown")
	want := []string{"forget holdfast.api", "forget holdfast.web", "forget unknown", "keep holdfast.api", "keep holdfast.web"}
	if !slices.Equal(s.heard, want) || len(p.left) != 0 {
		t.Errorf("heard %q, left %v", s.heard, p.left)
	}
}

// Without [[service.socket]] the program gets what its manager has opened for it, but not what
// was kept for an earlier configuration.
func TestWithoutSocketsFilesAreThePrograms(t *testing.T) {
	s := newStore(t)
	p := s.run(t, tcp("api"), tcp("web"))
	p.Close()
	s.kept[0] = another(t, s.kept[0], "http")
	p = s.run(t)
	if len(p.left) != 1 || p.left[0].Name() != "http" || !slices.Equal(s.heard, []string{"forget holdfast.web"}) {
		t.Errorf("left %v, heard %q", p.left, s.heard)
	}
	for _, f := range p.left {
		_ = f.Close()
	}
}

// The new address cannot be used before the manager has closed the old one.
func TestAddressWithinTheOldOne(t *testing.T) {
	s := newStore(t)
	p := s.run(t, platform.Socket{Name: "api", Listen: "tcp:0.0.0.0:0"})
	_, port, err := net.SplitHostPort(p.listen(t, "api").Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	s.slow = make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		_, err := s.start(t, nil, platform.Socket{Name: "api", Listen: "tcp:127.0.0.1:" + port})
		ended <- err
	}()
	close(s.slow)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if len(s.kept) != 1 {
		t.Errorf("%d are kept", len(s.kept))
	}
}

func TestAddressIsSomebodyElses(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = newStore(t).start(t, nil, platform.Socket{Name: "api", Listen: "tcp:" + l.Addr().String()})
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatal(err)
	}
	says(t, err.Error(), `socket "api" at tcp:`+l.Addr().String())
}

// The new sockets of a version on trial are kept only when it is confirmed. The previous
// version, which may follow in the same process, would not know what has come to the store
// meanwhile.
func TestOnTrialNothingNewIsKept(t *testing.T) {
	s := newStore(t)
	p, err := s.start(t, func(o *sockets.Options) { o.Trial = true }, tcp("api"))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.heard) > 0 {
		t.Errorf("heard %q", s.heard)
	}
	for range 2 {
		p.Keep(t.Context())
	}
	if !slices.Equal(s.heard, []string{"keep holdfast.api"}) {
		t.Errorf("heard %q", s.heard)
	}
}

// Program and configuration must have the same sockets. The error names the difference.
func TestProgramAndConfigurationDisagree(t *testing.T) {
	p := newStore(t).run(t, tcp("api"), tcp("web"), platform.Socket{Name: "dns", Listen: "udp:127.0.0.1:0"})
	for text, call := range map[string]func() (any, error){
		`the program asks for "admin", but the configuration does not name it: its [[service.socket]] are api, web, dns`: func() (any, error) { return p.Listen("admin") },
		`"dns" listens at udp:127.0.0.1:0: Listen is not for packets`:                                                    func() (any, error) { return p.Listen("dns") },
		`"api" listens at tcp:127.0.0.1:0: ListenPacket is not for connections`:                                          func() (any, error) { return p.ListenPacket("api") },
		`asks for "api", but the configuration does not name it: it has no [[service.socket]] at all`:                    func() (any, error) { return (*sockets.Set)(nil).Listen("api") },
	} {
		if _, err := call(); !errors.Is(err, sockets.ErrNotConfigured) || !strings.Contains(err.Error(), text) {
			t.Errorf("%v\nwant %s", err, text)
		}
	}
	says(t, p.Untaken().Error(), "the configuration names api, web, dns", "it takes none")
	_ = p.listen(t, "api")
	says(t, p.Untaken().Error(), "the configuration names web, dns", "it takes api")
	if _, err := p.Listen("api"); err == nil || !strings.Contains(err.Error(), "already taken it") {
		t.Error(err)
	}
	_ = p.listen(t, "web")
	if _, err := p.ListenPacket("dns"); err != nil || p.Untaken() != nil {
		t.Errorf("%v, %v", err, p.Untaken())
	}
	if (*sockets.Set)(nil).Untaken() != nil {
		t.Error("no sockets, and some were not taken")
	}
}

// freePort returns a port at which nobody listens.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
