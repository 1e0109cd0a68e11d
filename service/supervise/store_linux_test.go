package supervise_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
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
