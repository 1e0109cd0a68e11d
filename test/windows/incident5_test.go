//go:build windows

package windows_test

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
)

// Patroni: start followed at once by reload killed the service.
func TestIncident5_StartThenReload(t *testing.T) {
	t.Parallel()
	s := newFeedd(t, "start = 'wait 300ms'")
	s.do(t, "install").must(t)
	const rounds = 5
	for round := 1; round <= rounds; round++ {
		s.begin(t)
		s.do(t, "reload").want(t, 0)
		s.tells(t, "reloaded", round)
		s.running(t)
		if n := len(s.lines(t, "start ")); n != round {
			t.Fatalf("round %d: %d programs were started", round, n)
		}
		s.do(t, "stop").want(t, 0)
		if n := len(s.lines(t, "stopped")); n != round {
			t.Fatalf("round %d: %d ordered stops", round, n)
		}
	}
}

// A stop at any instant after the start is an ordered stop, or is not needed because the
// program had not begun.
func TestIncident5_StartThenStop(t *testing.T) {
	t.Parallel()
	s := newFeedd(t)
	s.do(t, "install").must(t)
	for round := range 10 {
		s.begin(t)
		time.Sleep(time.Duration(round) * 30 * time.Millisecond) // another instant each time
		s.do(t, "stop").want(t, 0)
		if st := s.query(t); st.CurrentState != windows.SERVICE_STOPPED || st.Win32ExitCode != 0 || st.ServiceSpecificExitCode != 0 {
			t.Errorf("round %d: the SCM has %+v", round, st)
		}
		if begun, ended := len(s.lines(t, "start ")), len(s.lines(t, "stopped")); begun != ended {
			t.Fatalf("round %d: %d starts and %d ordered stops", round, begun, ended)
		}
	}
}

// Many PARAMCHANGE controls at once, not sent by our command line: the service lives, at least
// one reload begins after the last of them, and there are fewer reloads than controls.
func TestIncident5_StormOfReloads(t *testing.T) {
	t.Parallel()
	s := newFeedd(t, "reload = 'wait 3s'")
	s.do(t, "install", "--start").must(t)
	before := s.running(t)
	service := s.open(t)
	// Controls that arrive during a reload may be refused, and the sender is told. The first
	// one is not refused.
	const storm = 50
	for i := range storm {
		if _, err := service.Control(svc.ParamChange); err != nil && (i == 0 || !errors.Is(err, windows.ERROR_SERVICE_CANNOT_ACCEPT_CTRL)) {
			t.Fatal(err)
		}
	}
	must(t, service.Close())
	s.tells(t, "reloaded", 1)
	s.do(t, "reload").want(t, 0)
	if n := len(s.lines(t, "reloaded")); n < 2 || n > storm/2 {
		t.Errorf("%d reloads for %d requests", n, storm)
	}
	if after := s.running(t); after.PID != before.PID {
		t.Errorf("process %d became %d", before.PID, after.PID)
	}
}

// After a failed reload the old configuration stays in force, and the requester is told why.
func TestIncident5_FailedReload(t *testing.T) {
	t.Parallel()
	s := newFeedd(t)
	s.do(t, "install", "--start").must(t)
	before := s.running(t)
	for name, tc := range map[string]struct {
		lines []string
		code  int // 78: found before the service is asked
		says  string
	}{
		"the program": {[]string{"reload = 'fail port 80 is taken'"}, 1, "port 80 is taken"},
		"its key":     {[]string{"relaod = ''"}, 1, "relaod"},
		"our table":   {[]string{"[service]", "stop_timeout = '-1s'"}, 78, "stop_timeout"},
		"bad TOML":    {[]string{"reload = 'x"}, 78, "line"},
	} {
		s.configure(t, tc.lines...)
		r := s.do(t, "reload")
		r.want(t, tc.code, tc.says)
		if t.Failed() {
			t.Fatalf("that was: %s", name)
		}
	}
	st := s.running(t)
	if st.PID != before.PID || st.Reloads.Failed != 2 || st.Reloads.Completed != 2 {
		t.Errorf("status after two refused reloads: %+v", st)
	}
	s.configure(t)
	s.do(t, "reload").want(t, 0)
	if st := s.query(t); st.CurrentState != windows.SERVICE_RUNNING {
		t.Errorf("the SCM has %+v", st)
	}
}
