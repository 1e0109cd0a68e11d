package systemd_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform"
)

// What is put into the store is another descriptor of the same file, with its name.
func TestStore(t *testing.T) {
	address := fmt.Sprintf("@holdfast-test-store-%d", os.Getpid())
	conn := listen(t, address)
	n := notifier(t, address)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	if err := n.Keep(t.Context(), "holdfast.api", write); err != nil {
		t.Fatal(err)
	}
	if err := write.Close(); err != nil {
		t.Fatal(err)
	}
	if err := n.Forget(t.Context(), "holdfast.api"); err != nil {
		t.Fatal(err)
	}
	text, oob := make([]byte, 1000), make([]byte, 1000)
	size, rights, _, _, err := conn.ReadMsgUnix(text, oob)
	if err != nil || string(text[:size]) != "FDSTORE=1\nFDPOLL=0\nFDNAME=holdfast.api\n" {
		t.Fatalf("%q, %v", text[:size], err)
	}
	messages, err := unix.ParseSocketControlMessage(oob[:rights])
	if err != nil || len(messages) != 1 {
		t.Fatal(messages, err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		t.Fatal(fds, err)
	}
	kept := os.NewFile(uintptr(fds[0]), "kept")
	if _, err := kept.WriteString("still open"); err != nil {
		t.Fatal(err)
	}
	_ = kept.Close()
	buf := make([]byte, 100)
	if size, err := read.Read(buf); err != nil || string(buf[:size]) != "still open" {
		t.Errorf("%q, %v", buf[:size], err)
	}
	if got := receive(t, conn); got != "FDSTOREREMOVE=1\nFDNAME=holdfast.api\n" {
		t.Errorf("%q", got)
	}
}

// Without a manager that keeps files, that is an error. If the manager does not read, the wait
// is limited.
func TestStoreThatIsNone(t *testing.T) {
	if err := notifier(t, "").Keep(t.Context(), "x", os.Stdin); !errors.Is(err, platform.ErrUnsupported) {
		t.Error(err)
	}
	address := fmt.Sprintf("@holdfast-test-full-%d", os.Getpid())
	conn := listen(t, address)
	n := notifier(t, address)
	fill(t, n)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.Keep(ctx, "x", os.Stdin); !errors.Is(err, platform.ErrTimeout) {
		t.Error(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- n.Keep(t.Context(), "x", os.Stdin) }()
	for !strings.HasPrefix(receive(t, conn), "FDSTORE=1\n") { // it is the last one: nothing comes after it
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
