//go:build windows

package windows_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
)

// refuses fails the test unless a second start by hand is refused, and names the holder.
func (s *installed) refuses(t *testing.T) {
	t.Helper()
	holder := s.running(t).PID
	s.do(t, "run").want(t, 75)
	if log := read(t, s.log); !strings.Contains(log, fmt.Sprintf("is already running: pid %d,", holder)) {
		t.Errorf("who holds it, process %d, is not logged:\n%s", holder, log)
	}
}

// NanoMQ: a second start overwrote the record of the first, and stop could then not find it.
func TestIncident2_SecondStartByHand(t *testing.T) {
	t.Parallel()
	s := newFeedd(t)
	s.do(t, "install", "--start").must(t)
	before, pid := s.running(t), read(t, s.pidFile())
	s.refuses(t)
	if got := read(t, s.pidFile()); got != pid {
		t.Errorf("the PID file had %q, and after the second start %q", pid, got)
	}
	if after := s.running(t); after.PID != before.PID {
		t.Errorf("process %d became %d", before.PID, after.PID)
	}
	if n := len(s.lines(t, "start ")); n != 1 {
		t.Errorf("%d programs were started", n)
	}
	h := process(t, before.PID)
	s.do(t, "stop").want(t, 0)
	if !gone(t, h) {
		t.Error("stop returned before the process was gone")
	}
}

// A killed service can be started again, and still only once.
func TestIncident2_SecondStartAfterAKill(t *testing.T) {
	t.Parallel()
	s := newFeedd(t, "[service.restart]", "policy = 'never'")
	s.do(t, "install", "--start").must(t)
	kill(t, process(t, s.running(t).PID))
	s.do(t, "start").must(t)
	s.running(t)
	s.refuses(t)
}

// The SCM considers a service stopped as soon as the service says so, although its process
// goes on for a while. stop waits for that process. A start that does not wait, such as the
// SCM's own, is not refused because of it.
func TestIncident2_StoppedButNotGone(t *testing.T) {
	t.Parallel()
	s := newFeedd(t, "exit = 'wait 3s'")
	s.do(t, "install", "--start").must(t)
	h := process(t, s.running(t).PID)
	s.do(t, "stop").want(t, 0)
	if !gone(t, h) {
		t.Error("stop returned before the process was gone")
	}

	s.do(t, "start").must(t)
	service := s.open(t)
	defer service.Close()
	_, err := service.Control(svc.Stop)
	must(t, err)
	eventually(t, "the SCM has it stopped", func() bool { return s.query(t).CurrentState == windows.SERVICE_STOPPED })
	starts(t, service)
	s.tells(t, "started", 3)
	if n := len(s.lines(t, "exit")); n != 1 {
		t.Skipf("%d processes had ended before: this machine was too slow to have them overlap", n)
	}
	s.running(t)
}

// "Given a slow A, when `restart`, then no kill before the grace period, and no overlap of old and new."
func TestIncident2_RestartOfASlowOne(t *testing.T) {
	t.Parallel()
	s := newFeedd(t, "stop = 'wait 4s'")
	s.do(t, "install", "--start").must(t)
	begin := time.Now()
	s.do(t, "restart").must(t)
	if took := time.Since(begin); took < 4*time.Second {
		t.Errorf("it was given %v", took)
	}
	var told []string
	for _, line := range s.lines(t, "") {
		told = append(told, strings.Fields(line)[0])
	}
	if got, want := strings.Join(told, " "), "start started stop stopped start started"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
	if st := s.query(t); st.CurrentState != windows.SERVICE_RUNNING {
		t.Errorf("the SCM has %+v", st)
	}
}
