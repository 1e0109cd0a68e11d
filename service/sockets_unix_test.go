//go:build linux || darwin

package service_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

// echo says its word to whoever connects to its socket.
func echo(word string, at chan<- net.Addr) *program {
	return &program{start: func(_ context.Context, rt *service.Runtime) error {
		l, err := rt.Listen("api")
		if err != nil {
			return err
		}
		rt.Go("echo", func(context.Context) error {
			for {
				conn, err := l.Accept()
				if errors.Is(err, net.ErrClosed) {
					return nil
				} else if err != nil {
					return err
				}
				_, _ = io.WriteString(conn, word)
				_ = conn.Close()
			}
		})
		at <- l.Addr()
		return nil
	}}
}

func connect(t *testing.T, at net.Addr) net.Conn {
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), at.Network(), at.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func hears(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	if got, err := io.ReadAll(conn); err != nil || string(got) != want {
		t.Errorf("heard %q, %v, want %q", got, err, want)
	}
}

func api() []service.Socket { return []service.Socket{{Name: "api", Listen: "tcp:127.0.0.1:0"}} }

// A kept socket is open for the next life. A client that connects between two lives is
// answered by the second one. A life ends even if nobody has closed its socket.
func TestSocketIsHandedFromLifeToLife(t *testing.T) {
	b := newBench(t)
	b.cfg.Sockets = api()
	b.keep = func(name string, f *os.File) error {
		raw, err := f.SyscallConn()
		if err != nil {
			return err
		}
		return raw.Control(func(fd uintptr) {
			if n, err := unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0); err == nil {
				b.files = append(b.files, os.NewFile(uintptr(n), name)) //nolint:gosec // a descriptor
			}
		})
	}
	at := make(chan net.Addr, 1)
	b.run(t.Context(), echo("first", at))
	where := <-at
	hears(t, connect(t, where), "first")
	// The store has one, and gives each process another of it.
	kept := b.files[0]
	again, err := unix.FcntlInt(kept.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	b.files = []*os.File{os.NewFile(uintptr(again), kept.Name())} //nolint:gosec // a descriptor
	b.stop()
	if err := b.end(); err != nil {
		t.Fatal(err)
	}
	between := connect(t, where)
	b.run(t.Context(), echo("second", at))
	if now := <-at; now.String() != where.String() {
		t.Errorf("it listens at %v, and did at %v", now, where)
	}
	hears(t, between, "second")
	b.stop()
	if err := b.end(); err != nil {
		t.Error(err)
	}
}

// A service accepts nobody before it is ready, and a failed start loses no client.
func TestSocketBeforeReadiness(t *testing.T) {
	b := newBench(t)
	b.cfg.Sockets = api()
	at, accepted, on := make(chan net.Addr, 1), make(chan error, 1), make(chan struct{})
	b.run(t.Context(), &program{start: func(_ context.Context, rt *service.Runtime) error {
		l, err := rt.Listen("api")
		if err != nil {
			return err
		}
		go func() { _, err := l.Accept(); accepted <- err }()
		at <- l.Addr()
		<-on
		return errors.New("broken")
	}})
	connect(t, <-at)
	close(on)
	if err := b.end(); err == nil {
		t.Error("it did not fail")
	}
	if err := <-accepted; !errors.Is(err, net.ErrClosed) {
		t.Errorf("accepted with %v", err)
	}
}

// Program and configuration must name the same sockets.
func TestSocketsOfProgramAndConfigurationDisagree(t *testing.T) {
	for name, tt := range map[string]struct {
		sockets []service.Socket
		start   func(rt *service.Runtime) error
		says    string
	}{
		"never taken": {append(api(), service.Socket{Name: "web", Listen: "tcp:127.0.0.1:0"}), func(rt *service.Runtime) error {
			_, err := rt.Listen("api")
			return err
		}, "the configuration names web, but the program had not asked for it when it was ready: it takes api"},
		"not there": {api(), func(rt *service.Runtime) error {
			_, err := rt.ListenPacket("dns")
			return err
		}, `the program asks for "dns", but the configuration does not name it: its [[service.socket]] are api`},
		"none": {nil, func(rt *service.Runtime) error {
			_, err := rt.Listen("api")
			return err
		}, "it has no [[service.socket]] at all"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.cfg.Sockets = tt.sockets
			b.run(t.Context(), &program{start: func(_ context.Context, rt *service.Runtime) error { return tt.start(rt) }})
			err := b.end()
			if !errors.Is(err, service.ErrConfig) || service.ExitCode(err) != platform.ExitBadConfig || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v\nwant %s", err, tt.says)
			}
			for n := range b.rest() {
				if n.Phase == platform.PhaseReady {
					t.Error("it was ready")
				}
			}
		})
	}
}

// Without [[service.socket]] a program gets what its manager has opened for it.
func TestFilesWithoutSockets(t *testing.T) {
	b := newBench(t)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	b.files = []*os.File{read}
	got := make(chan []*os.File, 1)
	b.run(t.Context(), &program{start: func(_ context.Context, rt *service.Runtime) error { got <- rt.Files(); return nil }})
	if files := <-got; len(files) != 1 || files[0] != read {
		t.Errorf("got %v", files)
	}
	b.await(platform.PhaseReady)
	b.stop()
	if err := b.end(); err != nil {
		t.Error(err)
	}
}

// A reload applies a changed address, and fails if somebody else listens there.
func TestReloadTakesAnAddress(t *testing.T) {
	busy, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	free, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = free.Close()
	b := newBench(t)
	configure := func(where string) {
		t.Helper()
		if err := os.WriteFile(b.cfg.File, []byte("[[service.socket]]\nname = \"api\"\nlisten = \"tcp:"+where+"\"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.cfg.File = write(t, "")
	configure("127.0.0.1:0")
	at := make(chan net.Addr, 1)
	b.run(t.Context(), echo("here", at))
	old := <-at
	b.await(platform.PhaseReady)
	reload := func() {
		b.ask(platform.RequestReload)
		b.await(platform.PhaseReloading)
		b.await(platform.PhaseReady)
	}
	configure(busy.Addr().String())
	reload()
	if r := b.state().Reloads; r.Failed != 1 || !strings.Contains(r.LastError, "address already in use") {
		t.Errorf("%+v", r)
	}
	hears(t, connect(t, old), "here")
	configure(free.Addr().String())
	reload()
	hears(t, connect(t, free.Addr()), "here")
	if log := b.logText(); strings.Contains(log, "settings have changed") || !strings.Contains(log, "the socket listens at another address") {
		t.Errorf("the log:\n%s", log)
	}
	b.stop()
	if err := b.end(); err != nil {
		t.Error(err)
	}
}
