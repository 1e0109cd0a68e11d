package sockets_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/internal/sockets"
)

func TestAbstractName(t *testing.T) {
	s := newStore(t)
	socket := platform.Socket{Name: "api", Listen: fmt.Sprintf("unix:@holdfast-test-%d", os.Getpid())}
	p := s.run(t, socket)
	at := p.listen(t, "api").Addr()
	p.Close()
	conn := dial(t, at)
	p = s.run(t, socket)
	answer(t, p.listen(t, "api"), conn, "fine")
	if len(s.heard) > 0 {
		t.Errorf("heard %q", s.heard)
	}
	if _, err := newStore(t).start(t, nil, socket); err == nil {
		t.Error("two listen there")
	}
}

func TestOptions(t *testing.T) {
	p := newStore(t).run(t,
		platform.Socket{Name: "probed", Listen: "tcp:127.0.0.1:0", KeepAlive: 7 * time.Second},
		platform.Socket{Name: "quiet", Listen: "tcp:127.0.0.1:0", KeepAlive: -1},
		platform.Socket{Name: "shared", Listen: "tcp:127.0.0.1:0", ReusePort: true},
		platform.Socket{Name: "free", Listen: "tcp:192.0.2.1:0", FreeBind: true}, // of no machine, RFC 5737
	)
	for name, want := range map[string][2]int{"probed": {1, 7}, "quiet": {0, 0}} {
		l := p.listen(t, name)
		dial(t, l.Addr())
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := conn.(*net.TCPConn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		var is, idle int
		_ = raw.Control(func(fd uintptr) {
			is, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_KEEPALIVE)
			idle, _ = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_KEEPIDLE)
		})
		if is != want[0] || is == 1 && idle != want[1] {
			t.Errorf("%s: probed %d, every %d s", name, is, idle)
		}
		_ = conn.Close()
	}
	if at := p.listen(t, "free").Addr().(*net.TCPAddr); !at.IP.Equal(net.IPv4(192, 0, 2, 1)) {
		t.Errorf("free: %v", at)
	}
	shared := p.listen(t, "shared").Addr().String()
	newStore(t).run(t, platform.Socket{Name: "api", Listen: "tcp:" + shared, ReusePort: true})
}

// The process that listens at an address is named, even if its address only overlaps.
func TestHolders(t *testing.T) {
	var config net.ListenConfig
	config.SetMultipathTCP(false) // whose sockets have no inode
	self := os.Getpid()
	path := shortDir(t) + "/s"
	for network, at := range map[string]string{"tcp4": "127.0.0.1:0", "tcp6": "[::1]:0", "tcp": ":0", "unix": path} {
		l, err := config.Listen(t.Context(), network, at)
		if err != nil {
			t.Logf("%s: %v", network, err)
			continue
		}
		t.Cleanup(func() { _ = l.Close() })
		where := "tcp:" + l.Addr().String()
		if network == "unix" {
			where = "unix:" + path
		}
		a, err := platform.Socket{Listen: where}.Address()
		if err != nil {
			t.Fatal(err)
		}
		if got := sockets.Holders(a); len(got) != 1 || got[0].PID != self {
			t.Errorf("%s: %v", where, got)
		}
		_, err = newStore(t).start(t, nil, platform.Socket{Name: "api", Listen: where})
		if err == nil {
			t.Fatalf("two listen at %s", where)
		}
		says(t, err.Error(), `socket "api" at `, fmt.Sprintf("process %d (", self), ") listens there")
		if a.Port++; a.Network != "unix" && len(sockets.Holders(a)) > 0 {
			t.Errorf("another port: %v", sockets.Holders(a))
		}
	}
}

// A socket may be bound to a file of the same name in another place: everybody can have one in
// a directory of his own. It is not in the way.
func TestTheNameOfAFileIsNotTheFile(t *testing.T) {
	path := shortDir(t) + "/s"
	leave := func() *net.UnixListener {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		return l
	}
	elsewhere := leave()
	defer elsewhere.Close()
	if err := os.Rename(path, path+"2"); err != nil {
		t.Fatal(err)
	}
	_ = leave().Close() // of a process that was killed
	socket := platform.Socket{Name: "api", Listen: "unix:" + path}
	a, err := socket.Address()
	if err != nil {
		t.Fatal(err)
	}
	if got := sockets.Holders(a); len(got) > 0 {
		t.Errorf("%v listens there", got)
	}
	l := newStore(t).run(t, socket).listen(t, "api")
	answer(t, l, dial(t, l.Addr()), "fine")
}

// A child of the service inherits none of its sockets, not even those that the manager has
// passed and that exec(2) has left open.
func TestNoChildInheritsThem(t *testing.T) {
	s := newStore(t)
	all := []platform.Socket{tcp("web"), {Name: "api", Listen: "unix:" + shortDir(t) + "/s"}, {Name: "dns", Listen: "udp:127.0.0.1:0"}}
	for _, how := range []string{"opened", "handed over"} {
		p, err := s.start(t, func(o *sockets.Options) {
			for _, f := range o.Handed {
				raw, err := f.SyscallConn()
				if err != nil {
					t.Fatal(err)
				}
				_ = raw.Control(func(fd uintptr) { _, err = unix.FcntlInt(fd, unix.F_SETFD, 0) })
				if err != nil {
					t.Fatal(err)
				}
			}
		}, all...)
		if err != nil {
			t.Fatal(err)
		}
		has, err := exec.Command("ls", "-l", "/proc/self/fd").Output()
		if err != nil || len(s.kept) != len(all) {
			t.Fatal(len(s.kept), err)
		}
		for _, f := range s.kept {
			ours, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
			if err != nil || !strings.HasPrefix(ours, "socket:[") {
				t.Fatal(ours, err)
			}
			if strings.Contains(string(has), ours) {
				t.Errorf("%s: a child has %s", how, f.Name())
			}
		}
		p.Close()
	}
}

// No client is cut off while a socket moves. A client that connects while the manager forgets
// the old socket is answered. After the last accept nobody is connected, although the old
// socket is still open.
func TestNobodyIsCutOffWhileASocketMoves(t *testing.T) {
	abstract := func(name string) string { return fmt.Sprintf("unix:@holdfast-test-%d-%s", os.Getpid(), name) }
	for name, where := range map[string][2]string{
		"tcp": {"tcp:127.0.0.1:0", "tcp:127.0.0.1:" + freePort(t)}, "unix": {abstract("old"), abstract("new")},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			p := s.run(t, platform.Socket{Name: "api", Listen: where[0]})
			l := p.listen(t, "api")
			old := l.Addr()
			still := another(t, s.kept[0], "still open")
			defer still.Close()
			var conn net.Conn
			s.forgets = func() { conn = dial(t, old) }
			c, err := p.Change(t.Context(), []platform.Socket{{Name: "api", Listen: where[1]}})
			if err != nil || c == nil {
				t.Fatal(c, err)
			}
			if err := c.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(p.log.String(), "can be cut off") {
				t.Skip("the kernel permits no socket filter to this process")
			}
			answer(t, l, conn, "at the old address")
			answer(t, l, dial(t, l.Addr()), "at the new one")
			short := net.Dialer{Timeout: 200 * time.Millisecond}
			if late, err := short.DialContext(t.Context(), old.Network(), old.String()); err == nil {
				_ = late.Close()
				t.Error("somebody is connected whom nobody accepts")
			}
		})
	}
}

// The length of the queue follows the configuration, even back to the maximum of the system.
func TestBacklogFollows(t *testing.T) {
	s := newStore(t)
	long := tcp("api")
	short := long
	short.Backlog = 5
	p := s.run(t, short)
	has := func(p *process) uint32 {
		f := s.kept[0]
		info, err := unix.GetsockoptTCPInfo(int(f.Fd()), unix.IPPROTO_TCP, unix.TCP_INFO) //nolint:gosec // a descriptor
		if err != nil {
			t.Fatal(err)
		}
		return info.Sacked // of a socket that listens: its backlog
	}
	if got := has(p); got != 5 {
		t.Errorf("it is %d", got)
	}
	p.listen(t, "api")
	c, err := p.Change(t.Context(), []platform.Socket{long})
	if err != nil || c == nil {
		t.Fatal(c, err)
	}
	if err := c.Commit(t.Context()); err != nil || has(p) < 100 {
		t.Errorf("after a reload it is %d, %v", has(p), err)
	}
	p.Close()
	p = s.run(t, short)
	p.Close()
	if p = s.run(t, long); has(p) < 100 {
		t.Errorf("in the next process it is %d", has(p))
	}
}

// A kept socket lets others listen at its address as soon as that is configured, although it was
// opened before.
func TestReusePortFollows(t *testing.T) {
	for _, network := range []string{"tcp", "udp"} {
		s := newStore(t)
		alone := platform.Socket{Name: "api", Listen: network + ":127.0.0.1:0"}
		p := s.run(t, alone)
		alone.Listen = p.List()[0].Address
		shared, other := alone, alone
		shared.ReusePort, other.ReusePort = true, true
		for _, now := range []platform.Socket{alone, shared} {
			p.Close()
			p = s.run(t, now)
			q, err := newStore(t).start(t, nil, other)
			if got := err == nil; got != now.ReusePort || len(s.heard) > 0 {
				t.Errorf("%s: reuse_port = %v, and another listens: %v, %v; heard %q", network, now.ReusePort, got, err, s.heard)
			}
			q.Close()
		}
	}
}

// A version on trial may fail after its socket has moved to another address. The previous
// version gets the old socket, which accepts again.
func TestASocketThatMovedOnTrialAccepts(t *testing.T) {
	s := newStore(t)
	p := s.run(t, tcp("api"))
	p.listen(t, "api")
	old := another(t, s.kept[0], s.kept[0].Name()) // which package trial has
	c, err := p.Change(t.Context(), []platform.Socket{{Name: "api", Listen: "tcp:127.0.0.1:" + freePort(t)}})
	if err != nil || c == nil {
		t.Fatal(c, err)
	}
	if err := c.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Close()
	before, err := s.start(t, func(o *sockets.Options) { o.Handed = []*os.File{old} }, tcp("api"))
	if err != nil {
		t.Fatal(err)
	}
	l := before.listen(t, "api")
	answer(t, l, dial(t, l.Addr()), "as before")
}

// Everybody can have a socket whose entry in /proc/net/unix has the name of the service's
// file. It does not prevent the service from listening there.
func TestAForgedNameKeepsNobodyOut(t *testing.T) {
	path := shortDir(t) + "/s"
	bind := func(name string) (unbind func()) {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err == nil {
			err = unix.Bind(fd, &unix.SockaddrUnix{Name: name})
		}
		if err != nil {
			t.Fatal(err)
		}
		return func() { _ = unix.Close(fd) }
	}
	bind(path)() // its file stays
	forged := path + "\n0 0 0 0 0 0 0 " + path
	if err := os.MkdirAll(filepath.Dir(forged), 0o700); err != nil {
		t.Fatal(err)
	}
	unbind := bind(forged)
	defer unbind()
	l, err := sockets.ListenAtFile(t.Context(), path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dial(t, l.Addr())
}
