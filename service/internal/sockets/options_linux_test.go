package sockets_test

import (
	"fmt"
	"net"
	"os"
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

// Who listens at an address is named, also if his address only overlaps.
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
