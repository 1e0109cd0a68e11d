package systemd_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/systemd"
)

// listen returns systemd's end of a notify socket.
func listen(tb testing.TB, address string) *net.UnixConn {
	tb.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	return conn
}

func receive(tb testing.TB, conn *net.UnixConn) string {
	tb.Helper()
	buf := make([]byte, 8192)
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Minute)); err != nil {
		tb.Fatal(err)
	}
	n, err := conn.Read(buf)
	if err != nil {
		tb.Fatal(err)
	}
	return string(buf[:n])
}

func notifier(tb testing.TB, address string) *systemd.Notifier {
	tb.Helper()
	if t, ok := tb.(interface{ Setenv(key, value string) }); ok {
		t.Setenv("NOTIFY_SOCKET", address)
	}
	n, err := systemd.FromEnvironment()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = n.Close() })
	return n
}

func TestNotify(t *testing.T) {
	for name, address := range map[string]string{
		"path":     filepath.Join(t.TempDir(), "notify"),
		"abstract": fmt.Sprintf("@holdfast-test-%d", os.Getpid()),
	} {
		t.Run(name, func(t *testing.T) {
			conn := listen(t, address)
			n := notifier(t, address)
			for _, step := range []struct {
				notice platform.Notice
				want   string
			}{
				{platform.Notice{Phase: platform.PhaseReady, Text: "up"}, "READY=1\nSTATUS=up\n"},
				{platform.Notice{Alive: true}, "WATCHDOG=1\n"},
				{platform.Notice{Phase: platform.PhaseStopping}, "STOPPING=1\n"},
			} {
				if err := n.Notify(step.notice); err != nil {
					t.Fatal(err)
				}
				if got := receive(t, conn); got != step.want {
					t.Errorf("received %q, want %q", got, step.want)
				}
			}
		})
	}
}

// The time stamp must not be older than the request: MONOTONIC_USEC is CLOCK_MONOTONIC, which
// is not affected by setting the wall clock.
func TestNotifyReloadingStamp(t *testing.T) {
	address := filepath.Join(t.TempDir(), "notify")
	conn := listen(t, address)
	n := notifier(t, address)
	var stamps []int64
	for range 2 {
		if err := n.Notify(platform.Notice{Phase: platform.PhaseReloading}); err != nil {
			t.Fatal(err)
		}
		value, ok := strings.CutPrefix(receive(t, conn), "RELOADING=1\nMONOTONIC_USEC=")
		stamp, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		if !ok || err != nil {
			t.Fatalf("no stamp: %q", value)
		}
		stamps = append(stamps, stamp)
	}
	uptime, err := os.ReadFile("/proc/uptime") // CLOCK_BOOTTIME, which is never behind
	if err != nil {
		t.Fatal(err)
	}
	seconds, err := strconv.ParseFloat(strings.Fields(string(uptime))[0], 64)
	if err != nil {
		t.Fatal(err)
	}
	if stamps[0] <= 0 || stamps[1] < stamps[0] || stamps[1] > int64((seconds+1)*1e6) {
		t.Errorf("stamps %d, uptime %v s", stamps, seconds)
	}
}

// A missing peer is an error at once. A systemd that was executed anew is found again.
func TestNotifyPeerGone(t *testing.T) {
	address := filepath.Join(t.TempDir(), "notify")
	n := notifier(t, address)
	ready := platform.Notice{Phase: platform.PhaseReady}
	if err := n.Notify(ready); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no socket: %v", err)
	}
	first := listen(t, address)
	if err := n.Notify(ready); err != nil {
		t.Error(err)
	}
	_ = first.Close()
	if err := n.Notify(ready); err == nil {
		t.Error("nobody listens any more, and no error")
	}
	if err := os.Remove(address); err != nil {
		t.Fatal(err)
	}
	second := listen(t, address)
	if err := n.Notify(ready); err != nil {
		t.Error(err)
	}
	if got := receive(t, second); got != "READY=1\n" {
		t.Errorf("received %q", got)
	}
}

// fill sends until there is no room, and returns the number of messages.
func fill(t *testing.T, n *systemd.Notifier) (sent int) {
	t.Helper()
	for ; sent < 100_000; sent++ { // net.unix.max_dgram_qlen
		switch err := n.Notify(platform.Notice{Text: "filler"}); {
		case errors.Is(err, platform.ErrTimeout):
			return sent
		case err != nil:
			t.Fatal(err)
		}
	}
	t.Fatal("the socket's queue has no end")
	return 0
}

// A socket that nobody reads blocks nobody, and is logged only once. When somebody reads, the
// messages arrive: every phase that still matters, in order, and the latest of everything
// else.
func TestIssue9A_NotifyNobodyReads(t *testing.T) {
	address := filepath.Join(t.TempDir(), "notify")
	conn := listen(t, address)
	n := notifier(t, address)
	sent := fill(t, n)
	for i := range 1000 {
		for _, notice := range []platform.Notice{
			{Phase: platform.PhaseReady, Text: fmt.Sprint("up ", i)},
			{Alive: true},
			{Phase: platform.PhaseReloading},
			{Text: fmt.Sprint("reading ", i)},
			{Extend: time.Duration(i) * time.Second},
		} {
			if err := n.Notify(notice); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := n.Notify(platform.Notice{Phase: platform.PhaseReady}); err != nil {
		t.Fatal(err)
	}
	if err := n.Notify(platform.Notice{Phase: platform.PhaseStopping}); err != nil {
		t.Fatal(err)
	}
	for range sent + 1 { // the one that was sent away comes as well
		if got := receive(t, conn); got != "STATUS=filler\n" {
			t.Fatalf("received %q", got)
		}
	}
	for _, want := range []string{
		`READY=1\nSTATUS=up 0\nWATCHDOG=1\n`,
		`RELOADING=1\nMONOTONIC_USEC=\d+\nSTATUS=reading 999\nEXTEND_TIMEOUT_USEC=999000000\n`,
		`READY=1\n`,
		`STOPPING=1\n`,
	} {
		if got := receive(t, conn); !regexp.MustCompile("^" + want + "$").MatchString(got) {
			t.Errorf("received %q, want %q", got, want)
		}
	}
}

// Messages before Close are sent if there is room soon.
func TestIssue9A_NotifyLastWordsArrive(t *testing.T) {
	address := filepath.Join(t.TempDir(), "notify")
	conn := listen(t, address)
	n := notifier(t, address)
	sent := fill(t, n)
	if err := n.Notify(platform.Notice{Phase: platform.PhaseStopping}); err != nil {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	go func() { closed <- n.Close() }()
	for range sent + 1 {
		receive(t, conn)
	}
	if got := receive(t, conn); got != "STOPPING=1\n" {
		t.Errorf("received %q", got)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

// A socket that is never read again does not delay the end of the process.
func TestIssue9A_NotifyCloseGivesUp(t *testing.T) {
	address := filepath.Join(t.TempDir(), "notify")
	listen(t, address)
	n := notifier(t, address)
	fill(t, n)
	if err := n.Close(); !errors.Is(err, platform.ErrTimeout) {
		t.Errorf("Close: %v", err)
	}
	if err := n.Notify(platform.Notice{Alive: true}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Notify after Close: %v", err)
	}
}

func TestNotifyConcurrent(t *testing.T) {
	address := filepath.Join(t.TempDir(), "notify")
	conn := listen(t, address)
	n := notifier(t, address)
	var senders sync.WaitGroup
	for range 4 {
		senders.Go(func() {
			for range 50 {
				if err := n.Notify(platform.Notice{Alive: true}); err != nil && !errors.Is(err, platform.ErrTimeout) {
					t.Error(err)
				}
			}
		})
	}
	told := make(chan struct{})
	go func() {
		defer close(told)
		senders.Wait()
		if err := n.Notify(platform.Notice{Phase: platform.PhaseStopping}); err != nil && !errors.Is(err, platform.ErrTimeout) {
			t.Error(err)
		}
	}()
	for got := ""; got != "STOPPING=1\n"; {
		if got = receive(t, conn); got != "WATCHDOG=1\n" && got != "STOPPING=1\n" {
			t.Fatalf("received %q", got)
		}
	}
	<-told
}

func TestNotifyClosed(t *testing.T) {
	address := filepath.Join(t.TempDir(), "notify")
	listen(t, address)
	n := notifier(t, address)
	for range 2 {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := n.Notify(platform.Notice{Alive: true}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("notify after close: %v", err)
	}
}

const roleEnv = "HOLDFAST_TEST_ROLE"

// TestMain lets the test binary play the process that systemd starts with descriptors, and its
// child.
func TestMain(m *testing.M) {
	switch os.Getenv(roleEnv) {
	case "":
		os.Exit(m.Run())
	case "service":
		os.Exit(service())
	case "child":
		os.Exit(child())
	case "misled":
		os.Exit(misled())
	}
	os.Exit(2)
}

func service() int {
	if err := os.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid())); err != nil { // systemd does this between fork and exec
		return 1
	}
	n, err := systemd.FromEnvironment()
	if err != nil || len(n.Files()) != 2 {
		fmt.Println("files", n.Files(), err)
		return 1
	}
	for _, f := range n.Files() {
		if _, err := f.WriteString(f.Name() + "\n"); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleEnv+"=child")
	out, err := cmd.CombinedOutput()
	fmt.Printf("%s", out)
	if err != nil {
		return 1
	}
	return 0
}

// child checks that it has inherited nothing from its parent.
func child() int {
	for _, name := range []string{"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_USEC"} {
		if v, ok := os.LookupEnv(name); ok {
			fmt.Println("inherited", name, v)
			return 1
		}
	}
	for _, fd := range []string{"3", "4"} {
		// The Go runtime may have opened these numbers for itself, but never a pipe of that mode.
		if target, err := os.Readlink("/proc/self/fd/" + fd); err == nil && strings.HasPrefix(target, "pipe:") {
			fmt.Println("inherited descriptor", fd, target)
			return 1
		}
	}
	return 0
}

func TestFiles(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.ExtraFiles = []*os.File{w, w}
	cmd.Env = append(os.Environ(), roleEnv+"=service", "LISTEN_FDS=2", "LISTEN_FDNAMES=http:", "NOTIFY_SOCKET=/x", "WATCHDOG_USEC=1")
	out, err := cmd.CombinedOutput()
	_ = w.Close()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	buf := make([]byte, 100)
	n, err := r.Read(buf)
	if err != nil || string(buf[:n]) != "http\nunknown\n" {
		t.Errorf("read %q, %v", buf[:n], err)
	}
}

// LISTEN_FDS may name more descriptors than were passed. The other numbers belong to files
// that the process has opened itself. Taking and closing those ended the process.
func TestFilesThatWereNotPassed(t *testing.T) {
	_, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.ExtraFiles = []*os.File{w}
	cmd.Env = append(os.Environ(), roleEnv+"=misled", "LISTEN_FDS=9", "LISTEN_FDNAMES=http")
	if out, err := cmd.CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "http") || !strings.HasSuffix(string(out), " of these descriptors were not passed\n") {
		t.Errorf("%v: %s", err, out)
	}
}

// misled plays a process that has fewer descriptors than it is told.
func misled() int {
	ours, err := net.Listen("tcp", "127.0.0.1:0") // which also opens epoll's descriptor
	if err != nil {
		return 1
	}
	if err := os.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid())); err != nil {
		return 1
	}
	n, err := systemd.FromEnvironment()
	var names []string
	for _, f := range n.Files() {
		names = append(names, f.Name())
		_ = f.Close()
	}
	fmt.Printf("%s: %v\n", strings.Join(names, " "), err)
	go func() {
		var d net.Dialer
		if conn, err := d.Dial("tcp", ours.Addr().String()); err == nil {
			_ = conn.Close()
		}
	}()
	if _, err := ours.Accept(); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

func BenchmarkNotify(b *testing.B) {
	address := filepath.Join(b.TempDir(), "notify")
	conn := listen(b, address)
	b.Setenv("NOTIFY_SOCKET", address)
	n, err := systemd.FromEnvironment()
	if err != nil {
		b.Fatal(err)
	}
	go func() {
		buf := make([]byte, 4096)
		for {
			if _, err := conn.Read(buf); err != nil {
				return
			}
		}
	}()
	b.ReportAllocs()
	for b.Loop() {
		_ = n.Notify(platform.Notice{Alive: true})
	}
}

// BenchmarkFirst measures the work between exec and READY=1: environment, socket, message.
func BenchmarkFirst(b *testing.B) {
	address := filepath.Join(b.TempDir(), "notify")
	conn := listen(b, address)
	buf := make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		b.Setenv("NOTIFY_SOCKET", address)
		n, err := systemd.FromEnvironment()
		if err != nil {
			b.Fatal(err)
		}
		if err := n.Notify(platform.Notice{Phase: platform.PhaseReady}); err != nil {
			b.Fatal(err)
		}
		_ = n.Close()
		b.StopTimer()
		if _, err := conn.Read(buf); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
