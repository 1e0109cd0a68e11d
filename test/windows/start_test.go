//go:build windows

package windows_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
)

// A start that takes a minute, with progress, is not given up by us or by the SCM, although
// both limits are 30 s. Meanwhile the checkpoint moves, and the service answers INTERROGATE.
func TestStartThatTakesAMinute(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes a minute")
	}
	s := newFeedd(t, "start = 'work 60s'", "[service]", "start_timeout = '30s'")
	s.do(t, "install").must(t)
	started := make(chan result, 1)
	begin := time.Now()
	go func() { started <- s.do(t, "start") }()

	s.tells(t, "start ", 1)
	seen := map[uint32]bool{}
	eventually(t, "the checkpoint moves three times", func() bool {
		st := s.query(t)
		if st.CurrentState == windows.SERVICE_START_PENDING {
			seen[st.CheckPoint] = true
		}
		return len(seen) > 3
	})
	service := s.open(t)
	defer service.Close()
	if _, err := service.Control(svc.Interrogate); err != nil && err != windows.ERROR_SERVICE_CANNOT_ACCEPT_CTRL { //nolint:errorlint // an errno as it is
		t.Errorf("INTERROGATE while it starts: %v", err)
	}
	(<-started).want(t, 0)
	if took := time.Since(begin); took < 55*time.Second {
		t.Errorf("ready after %v", took)
	}
	if st := s.query(t); st.CurrentState != windows.SERVICE_RUNNING || st.CheckPoint != 0 || st.WaitHint != 0 {
		t.Errorf("the SCM has %+v", st)
	}
	s.do(t, "stop").want(t, 0)
}

// A machine is so busy that a new process does not reach its main function within 10 s, which
// is Wine's own limit. The bed makes Wine wait as long as Windows does, or longer. Nothing
// else is started meanwhile.
func TestProcessThatReportsLate(t *testing.T) {
	s := newService(t, asVersion(t, filepath.Join(t.TempDir(), "late.exe"), "late", "1", "late"), "late")
	s.write(t)
	s.do(t, "install").must(t)
	s.do(t, "start").want(t, 0)
	s.running(t)
}

// A start that fails ends, the caller is told, and nothing is left.
func TestStartThatDoesNotSucceed(t *testing.T) {
	for _, tc := range []struct {
		name, act string
		says      string // the log
		code      int    // of the last run
		within    string // start_timeout
		stop      string // stop_timeout
	}{
		{"fails", "fail port 80 is taken", "port 80 is taken", 1, "1h", "1h"},
		{"panics", "panic nil map", "nil map", 70, "1h", "1h"},
		{"hangs", "hang", "start_timeout", 1, "3s", "3s"},
		{"waits without progress", "wait 1h", "start_timeout", 1, "3s", "1h"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newFeedd(t, "start = '"+tc.act+"'", "[service]", "start_timeout = '"+tc.within+"'", "stop_timeout = '"+tc.stop+"'",
				"[service.restart]", "policy = 'never'")
			s.do(t, "install").must(t)
			s.do(t, "start").want(t, tc.code, s.name)
			var pid int
			if _, err := fmt.Sscanf(s.tells(t, "start ", 1), "start %d", &pid); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the SCM has it stopped", func() bool { return s.query(t).CurrentState == windows.SERVICE_STOPPED })
			eventually(t, "the process is gone", func() bool { return !living(pid) })
			eventually(t, "the log says why", func() bool { return strings.Contains(read(t, s.log), tc.says) })
			st := s.status(t)
			if st.code == 0 || st.Phase != "failed" || st.LastExit == nil || st.LastExit.Code != tc.code {
				t.Errorf("status, last exit %+v: %+v", st.LastExit, st)
			}

			// With a good configuration, it starts.
			s.configure(t)
			s.do(t, "start").want(t, 0)
			s.running(t)
		})
	}
}

// A stop that takes long, with progress, is not given up. One that hangs is ended by force,
// and this is reported.
func TestStopThatTakesLong(t *testing.T) {
	t.Parallel()
	s := newFeedd(t, "stop = 'work 40s'", "[service]", "stop_timeout = '30s'")
	s.do(t, "install", "--start").must(t)
	h := process(t, s.running(t).PID)
	s.do(t, "stop").want(t, 0)
	if !gone(t, h) {
		t.Error("stop returned before the process was gone")
	}
	if lines := s.lines(t, "stopped"); len(lines) != 1 {
		t.Errorf("the stop was cut off: told %q", lines)
	}
}

func TestStopThatHangs(t *testing.T) {
	t.Parallel()
	s := newFeedd(t, "stop = 'hang'", "[service]", "stop_timeout = '3s'", "[service.restart]", "policy = 'never'")
	s.do(t, "install", "--start").must(t)
	h := process(t, s.running(t).PID)
	s.do(t, "stop")
	if !gone(t, h) {
		t.Error("stop returned before the process was gone")
	}
	if st := s.query(t); st.CurrentState != windows.SERVICE_STOPPED {
		t.Errorf("the SCM has %+v", st)
	}
}
