package supervise_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/supervise"
)

// The next child gets what a child has given to its supervisor, even if that child was killed
// at once. A client that connects meanwhile is answered. A forgotten socket is closed.
func TestSocketsAreKept(t *testing.T) {
	restart := platform.Restart{Policy: "on-failure", Delay: soon, Max: 9, Window: time.Hour}
	cmd, out := supervised(t, restart, "socket keep", "socket answer", "socket forget", "socket end")
	out.expect("has 0:")
	at := strings.TrimPrefix(out.expect("listens "), "listens ")
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	out.expect("has 1: holdfast.api")
	if got, err := io.ReadAll(conn); err != nil || string(got) != "answered" {
		t.Errorf("heard %q, %v", got, err)
	}
	out.expect("has 1: holdfast.api") // and forgets it
	out.expect("has 0:")
	out.end()
	exits(t, cmd, 0)
	if _, err := d.DialContext(t.Context(), "tcp", at); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("afterwards: %v", err)
	}
}

// What a supervisor keeps is lent while a script stops it and starts its successor. It is lent
// to nobody else, and for no longer.
func TestSocketsAreLent(t *testing.T) {
	cmd, out := supervised(t, platform.Restart{Policy: "always", Delay: soon}, "socket stay")
	out.expect("has 0:")
	at := strings.TrimPrefix(out.expect("listens "), "listens ")
	for _, nobody := range []int{0, 1, os.Getpid()} {
		if err := supervise.Lend(t.Context(), nobody, os.Getpid(), func() { t.Errorf("%d lends", nobody) }); err != nil {
			t.Errorf("of %d: %v", nobody, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- supervise.Lend(ctx, cmd.Process.Pid, os.Getpid(), func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal("nothing is lent:", err)
	}
	signalIt(t, cmd, syscall.SIGTERM)
	out.end()
	exits(t, cmd, 0)

	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", at)
	if err != nil {
		t.Fatal("between the two:", err)
	}
	defer conn.Close()
	spawn := part(t, "spawn", supervise.Spawn{Argv: playing("handed")})
	spawn.Env = append(spawn.Env, supervise.LenderVariable+"="+strconv.Itoa(os.Getpid()))
	if said, err := spawn.Output(); err != nil || string(said) != "holdfast.api\n" {
		t.Fatalf("%q, %v", said, err)
	}
	if got, err := io.ReadAll(conn); err != nil || string(got) != "answered" {
		t.Errorf("heard %q, %v", got, err)
	}

	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := d.DialContext(t.Context(), "tcp", at); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("afterwards: %v", err)
	}
}

// For the kernel, a process of another PID namespace has the number 0, which no child has. So
// nothing is kept from a stranger on the host of a container.
func TestNothingIsKeptFromAnotherNamespace(t *testing.T) {
	cmd := part(t, "childless", nil)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread() // for Pdeathsig
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) {
		t.Skip("no PID namespaces here:", err)
	} else if err != nil {
		t.Fatal(err)
	}
	said := lines{t, bufio.NewScanner(out)}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if _, _, err := conn.WriteMsgUnix([]byte("FDSTORE=1\nFDNAME=holdfast.api\n"), unix.UnixRights(int(null.Fd())), &net.UnixAddr{Name: said.next(), Net: "unixgram"}); err != nil {
		t.Fatal(err)
	}
	_ = in.Close()
	said.expect("1 keeps \"\"")
	exits(t, cmd, 0)
}

// childless plays a process that prints where its store listens, and then what it keeps.
func childless() int {
	s, err := supervise.NewChildlessStore()
	if err != nil {
		panic(err)
	}
	fmt.Println(s.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
	fmt.Printf("%d keeps %q\n", os.Getpid(), s.Kept())
	return 0
}
