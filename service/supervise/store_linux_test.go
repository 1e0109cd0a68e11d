package supervise_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/supervise"
)

// What a child gives its supervisor the next one gets, though it was killed at once: who
// connects meanwhile is answered. What is forgotten is closed.
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

// What a supervisor keeps is lent for its successor; it goes on itself, and who asks for what
// is nobody's gets nothing.
func TestSocketsAreCarried(t *testing.T) {
	cmd, out := supervised(t, platform.Restart{Policy: "always", Delay: soon}, "socket stay")
	out.expect("has 0:")
	at := strings.TrimPrefix(out.expect("listens "), "listens ")
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if code, err := supervise.Carry(t.Context(), cmd.Process.Pid, playing("carried")); err != nil || code != 3 {
		t.Fatal(code, err)
	}
	if got, err := io.ReadAll(conn); err != nil || string(got) != "answered" {
		t.Errorf("heard %q, %v", got, err)
	}
	for _, nobody := range []int{0, 1, os.Getpid()} {
		if code, err := supervise.Carry(t.Context(), nobody, playing("carried")); err != nil || code != 4 {
			t.Errorf("of %d: %d, %v", nobody, code, err)
		}
	}
	signalIt(t, cmd, syscall.SIGTERM)
	out.end()
	exits(t, cmd, 0)
}

// What a spawn is given it hands on, under the number of what it becomes.
func TestSpawnHandsOnWhatIsCarried(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	_ = l.Close()
	spawn := part(t, "spawn", supervise.Spawn{Argv: playing("handed")})
	spawn.Env = append(spawn.Env, supervise.CarriedVariable+"=holdfast.api")
	spawn.ExtraFiles = []*os.File{f}
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if said, err := spawn.Output(); err != nil || string(said) != "holdfast.api\n" {
		t.Fatalf("%q, %v", said, err)
	}
	if got, err := io.ReadAll(conn); err != nil || string(got) != "answered" {
		t.Errorf("heard %q, %v", got, err)
	}
}
