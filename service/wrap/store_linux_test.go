package wrap_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform"
)

// stores is a command that stores its descriptors. In each life it appends a line to the file "has": what it got. SIGUSR1 ends
// it, after it has answered the client that waits at its socket.
func stores(dir string, _ []string) int {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGUSR1)
	n, _ := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	got := fmt.Sprintf("%d %q own=%v odd=%q name=%q", n, os.Getenv("LISTEN_FDNAMES"), os.Getenv("LISTEN_PID") == strconv.Itoa(os.Getpid()), os.Getenv("an odd-name"), filepath.Base(os.Args[0]))
	names := strings.Split(os.Getenv("LISTEN_FDNAMES"), ":")
	for i := range n {
		fd := 3 + i
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		got += fmt.Sprintf(" %s:nonblocking=%v,%v", names[i], flags&unix.O_NONBLOCK != 0, err)
		switch names[i] {
		case "api":
			l, err := net.FileListener(os.NewFile(uintptr(fd), "api"))
			if err != nil {
				return 3
			}
			conn, err := l.Accept()
			if err != nil {
				return 4
			}
			_, _ = conn.Write([]byte("answered"))
			_ = conn.Close()
			_ = send("FDSTORE=1\nFDNAME=api", fd) // it is stored already
		case "stored":
			b := make([]byte, 64)
			n, _ := unix.Pread(fd, b, 0)
			got += " " + string(b[:max(n, 0)])
		case "gone":
			got += " which has hung up"
		}
	}
	if n == 0 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 5
		}
		f, err := l.(*net.TCPListener).File()
		if err != nil {
			return 6
		}
		api := int(f.Fd()) // Fd makes it blocking
		if unix.SetNonblock(api, true) != nil {
			return 6
		}
		memory, _ := unix.MemfdCreate("x", unix.MFD_CLOEXEC)
		_, _ = unix.Write(memory, []byte("remembered"))
		in, out, _ := os.Pipe()
		if err := errors.Join(send("FDSTORE=1\nFDNAME=api", api), send("FDSTORE=1", memory), send("FDSTORE=1\nFDNAME=gone", int(in.Fd()))); err != nil {
			fmt.Println(err)
			return 7
		}
		_ = out.Close()
		got += " at " + l.Addr().String() + " "
	} else if n == 2 {
		_ = send("FDSTOREREMOVE=1\nFDNAME=api", -1)
	}
	appendTo(filepath.Join(dir, "has"), got+"\n")
	_ = send("READY=1", -1)
	if sig := <-stop; sig == syscall.SIGUSR1 {
		return 9
	}
	return 0
}

// send is like tell, with a descriptor; -1: none.
func send(text string, fd int) error {
	socket, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(socket) }()
	var rights []byte
	if fd >= 0 {
		rights = unix.UnixRights(fd)
	}
	return unix.Sendmsg(socket, []byte(text), rights, &unix.SockaddrUnix{Name: os.Getenv("NOTIFY_SOCKET")}, 0)
}

// The next life of a command gets the descriptors that it has stored, under their names, and otherwise the same environment. A
// client that connects meanwhile is answered.
func TestStoredDescriptorsOfACommand(t *testing.T) {
	t.Setenv("an odd-name", "odd") // a shell would drop it
	l := newLife(t, wrapped("stores")+"[wrap.ready]\nnotify = true\n[wrap.restart]\npolicy = \"always\"\ndelay = \"1ms\"").start().await(platform.PhaseReady)
	lives := func(n int) []string {
		l.until(fmt.Sprintf("life %d of the command", n), func() bool { return strings.Count(l.read("has"), "\n") >= n })
		return strings.Split(l.read("has"), "\n")
	}
	_, rest, _ := strings.Cut(lives(1)[0], " at ")
	at := strings.TrimSpace(rest)
	l.signal(syscall.SIGUSR1) // it ends, and the next life gets its socket
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", at)
	if err != nil {
		t.Fatal(err, l.scene())
	}
	defer conn.Close()
	if got, err := io.ReadAll(conn); err != nil || string(got) != "answered" {
		t.Fatalf("%q, %v\n%s", got, err, l.scene())
	}
	name := filepath.Base(os.Args[0])
	second := fmt.Sprintf(`2 "api:stored" own=true odd="odd" name=%q api:nonblocking=true,<nil> stored:nonblocking=false,<nil> remembered`, name)
	if got := lives(2); got[1] != second {
		t.Errorf("the second life has %s\nwant %s", got[1], second)
	}
	l.until("the end of the start again", func() bool { s, err := l.state(); return err == nil && s.StatusText == "the command was restarted" })
	l.signal(syscall.SIGUSR1)
	third := fmt.Sprintf(`1 "stored" own=true odd="odd" name=%q stored:nonblocking=false,<nil> remembered`, name)
	if got := lives(3); got[2] != third {
		t.Errorf("the third life has %s\nwant %s", got[2], third)
	}
	if _, err := new(net.Dialer).DialContext(t.Context(), "tcp", at); err == nil {
		t.Error("the socket is open, of which the command has let go")
	}
	if n := strings.Count(l.logText(), "the manager of this service keeps no descriptors"); n != 1 {
		t.Errorf("the log says %d times that nobody keeps them\n%s", n, l.scene())
	}
	if code := l.stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, l.scene())
	}
}
