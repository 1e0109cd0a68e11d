//go:build linux

package sockets_test

import (
	"bufio"
	"bytes"
	"fmt"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// underWay makes a request that is under way while a command stops the service. The process
// that has begun the answer completes it. A request that ends before the stop begins proves
// nothing, so a longer one follows.
func (s *stage) underWay(command, place string) {
	s.t.Helper()
	for takes := 2 * time.Second; !s.finishes(command, place, takes); takes *= 2 {
		s.must("web start")
		s.ready()
	}
}

// finishes reports whether the stop began while the request was under way.
func (s *stage) finishes(command, place string, takes time.Duration) (proves bool) {
	s.t.Helper()
	pid := s.state().Process.PID
	client := s.b.Command(s.t.Context(), "/usr/local/lib/agent", "slow", place, takes.String())
	out, err := client.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := client.Start(); err != nil {
		s.t.Fatal(err)
	}
	lines := make(chan string, 2)
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(out); in.Scan(); {
			lines <- in.Text()
		}
	}()
	if line, want := wait.For(s.t, "the answer begins", lines, s.log), fmt.Sprintf("process %d begins", pid); line != want {
		s.t.Fatalf("the answer begins with %q, want %q\n%s", line, want, s.log())
	}

	var said bytes.Buffer
	stop := s.b.Command(s.t.Context(), "/usr/local/bin/web", command)
	stop.Stdout, stop.Stderr = &said, &said
	if err := stop.Start(); err != nil {
		s.t.Fatal(err)
	}
	last, over := "", false
	wait.Until(s.t, "the stop begins", func() bool {
		select {
		case last = <-lines:
			over = true
			return true
		default:
		}
		now := s.state()
		proves = now.Phase == platform.PhaseStopping && now.Process.PID == pid
		return proves
	}, s.log)
	if !over {
		last = wait.For(s.t, "the answer ends", lines, s.log)
	}
	if want := fmt.Sprintf("process %d ends", pid); last != want {
		s.t.Fatalf("%s: the answer ends with %q, want %q\n%s", command, last, want, s.log())
	}
	if err := stop.Wait(); err != nil {
		s.t.Fatalf("%s: %v\n%s\n%s", command, err, &said, s.log())
	}
	_ = client.Wait() // its answer has been looked at
	return proves
}
