package supervise_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/service/supervise"
)

func moreParts() map[string]func() int {
	return map[string]func() int{"childless": childless, "stranger": stranger}
}

// stranger plays another process on the machine, which sends a message to the address of a
// supervisor.
func stranger() int {
	var address string
	arguments(&address)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err != nil {
		panic(err)
	}
	fmt.Println(unix.Sendto(fd, []byte("x"), 0, &unix.SockaddrUnix{Name: address}))
	return 0
}

// Messages of a child count until its end. Afterwards a stranger may have its number, who can
// neither take nor add anything.
func TestNothingIsKeptFromAnHeirOfTheNumber(t *testing.T) {
	s, err := supervise.NewChildlessStore()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	child := exec.Command("/bin/true")
	if err := s.Start(child); err != nil {
		t.Fatal(err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	fd, err := unix.Dup(int(null.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	pid := child.Process.Pid
	s.Said(pid, "FDSTORE=1\nFDNAME=holdfast.api\n", fd)
	if err := s.Wait(child); err != nil {
		t.Fatal(err)
	}
	s.Said(pid, "FDSTOREREMOVE=1\nFDNAME=holdfast.api\n")
	if got := s.Kept(); got != "holdfast.api" {
		t.Errorf("%q is kept", got)
	}
}

// A stranger cannot answer before the supervisor that was asked for what it keeps.
func TestAStrangerAnswersFirst(t *testing.T) {
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: supervise.StoreAddress(os.Getpid()), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	lends, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- supervise.Lend(ctx, os.Getpid(), -1, func() { close(lends) }) }()
	_, borrower, err := conn.ReadFromUnix(make([]byte, 100))
	if err != nil {
		t.Fatal(err)
	}
	said, err := part(t, "stranger", borrower.Name).Output()
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	t.Logf("the stranger: %s", said)
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if _, _, err := conn.WriteMsgUnix([]byte("holdfast.api"), unix.UnixRights(int(null.Fd())), borrower); err != nil {
		t.Logf("the answer: %v", err) // nobody waits for it
	}
	select {
	case <-lends:
	case err := <-ended:
		t.Fatalf("nothing is lent: %v", err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
