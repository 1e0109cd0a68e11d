package systemd_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/systemd"
)

// ended returns a machine whose feedd could not be started.
func ended(t *testing.T, properties string) *machine {
	t.Helper()
	sys := inState(t, "257", "active")
	sys.answers[show+"feedd.service"] = answer{out: "LoadState=loaded\nFragmentPath=/etc/systemd/system/feedd.service\n" + properties}
	sys.answers[ctl+"start feedd.service"] = answer{code: 1}
	return sys
}

// If systemd could not set up the process, it ends with a code of systemd's own before the
// program's first line. The error explains it in words.
func TestIssue10_6_ExitCodesInWords(t *testing.T) {
	for code, tt := range map[int]struct {
		says  string
		class int
	}{
		1:   {"exit code 1)", platform.ExitFailed},
		70:  {"it panicked", platform.ExitCrashed},
		75:  {"it is already running", platform.ExitAlreadyRunning},
		77:  {"it lacks a permission that it needs", platform.ExitNotPermitted},
		78:  {"its configuration cannot be used", platform.ExitBadConfig},
		200: {"working_directory", platform.ExitBadConfig},
		203: {"cannot execute its program", platform.ExitBadConfig},
		216: {"does the group exist", platform.ExitBadConfig},
		217: {"does the user exist", platform.ExitBadConfig},
		218: {"capabilities", platform.ExitBadConfig},
		226: {"read_write_paths", platform.ExitBadConfig},
		228: {"filter its system calls", platform.ExitBadConfig},
		233: {"runtime directory", platform.ExitBadConfig},
	} {
		sys := ended(t, fmt.Sprintf("ActiveState=failed\nResult=exit-code\nExecMainCode=1\nExecMainStatus=%d\n", code))
		err := systemd.New(sys, systemd.Options{}).Start(t.Context(), feeddID)
		var failed *platform.FailedError
		if !errors.As(err, &failed) || failed.Code != tt.class || !strings.Contains(err.Error(), tt.says) || len(failed.Log) == 0 {
			t.Errorf("%d: %v, class %+v", code, err, failed)
		}
		st, err := systemd.New(sys, systemd.Options{}).Status(t.Context(), feeddID)
		if err != nil || st.LastExit == nil || !strings.Contains(st.LastExit.Words()+")", tt.says) {
			t.Errorf("%d: status says %+v, %v", code, st.LastExit, err)
		}
	}
}

// systemd's "A dependency job failed" does not name the dependency.
func TestIssue10_6_FailedDependencyIsNamed(t *testing.T) {
	sys := ended(t, "ActiveState=inactive\nResult=success\nRequires=system.slice db.service gone.service\nBindsTo=disk.mount\n")
	ask := ctl + "show --property=Id,LoadState,ActiveState,Result -- "
	sys.answers[ask+"system.slice"] = answer{out: "LoadState=loaded\nActiveState=active\nResult=\n"}
	sys.answers[ask+"db.service"] = answer{out: "LoadState=loaded\nActiveState=failed\nResult=exit-code\n"}
	sys.answers[ask+"gone.service"] = answer{out: "LoadState=not-found\nActiveState=inactive\n"}
	err := systemd.New(sys, systemd.Options{}).Start(t.Context(), feeddID)
	if err == nil || !strings.Contains(err.Error(), "db.service, which failed (exit-code") || !strings.Contains(err.Error(), "gone.service, which is not there") ||
		strings.Contains(err.Error(), "slice") {
		t.Errorf("got %v", err)
	}
}

// If systemd refuses a restart, the process goes on. The error says so.
func TestARefusedRestartSaysThatItStillRuns(t *testing.T) {
	for requires, says := range map[string]string{
		"gone.service": "it still runs as before, pid 77, and was not restarted: it requires gone.service, which is not there",
		"":             "it still runs as before, pid 77",
	} {
		sys := ended(t, "ActiveState=active\nSubState=running\nMainPID=77\nResult=success\nRequires="+requires+"\n")
		sys.answers[ctl+"restart feedd.service"] = answer{code: 5}
		sys.answers[ctl+"show --property=Id,LoadState,ActiveState,Result -- gone.service"] = answer{out: "LoadState=not-found\nActiveState=inactive\n"}
		err := systemd.New(sys, systemd.Options{}).Restart(t.Context(), feeddID)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "not started") {
			t.Errorf("%q: %v", requires, err)
		}
	}
}

// askEnds is the question for how the runs of the service ended.
const askEnds = "journalctl --no-pager --quiet --lines=5 --output=json MESSAGE_ID=d9b373ed55a64feb8242e02dbe79a49c MESSAGE_ID=98e322203f7a4ed290d09fe03c09fe15 MESSAGE_ID=5eb03494b6584870a536b337290809b3 _PID=1 UNIT=feedd.service"

// With a short restart.delay, systemd has started the service again before anybody could ask why
// the start failed. The error said that it still runs as before.
func TestASecondTryIsNotTheFirst(t *testing.T) {
	const again = "ActiveState=activating\nResult=success\nNRestarts=1\n"
	for name, tt := range map[string]struct{ properties, journal, says string }{
		"it is starting":    {again + "MainPID=77\nExecMainCode=0\n", `{"COMMAND":"ExecStart","EXIT_CODE":"exited","EXIT_STATUS":"78","__REALTIME_TIMESTAMP":"1"}` + "\n" + `{"UNIT_RESULT":"exit-code","__REALTIME_TIMESTAMP":"2"}` + "\n" + `{"N_RESTARTS":"1","__REALTIME_TIMESTAMP":"3"}`, "exit code 78"},
		"nobody tells why":  {again + "MainPID=77\nExecMainCode=0\n", "", "systemd has started it again since"},
		"it has just ended": {again + "MainPID=0\nExecMainCode=1\nExecMainStatus=78\n", "", "exit code 78"},
	} {
		sys := ended(t, tt.properties)
		sys.answers[askEnds] = answer{out: tt.journal}
		err := systemd.New(sys, systemd.Options{}).Start(t.Context(), feeddID)
		if _, ok := errors.AsType[*platform.FailedError](err); !ok || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "as before") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// NRestarts includes the start that systemd has refused.
func TestGivenUp(t *testing.T) {
	for result, want := range map[string]platform.Status{
		"start-limit-hit": {Restarts: 3, GaveUp: true}, "exit-code": {Restarts: 4},
	} {
		st, err := systemd.New(ended(t, "ActiveState=failed\nExecMainCode=1\nExecMainStatus=1\nNRestarts=4\nResult="+result+"\n"), systemd.Options{}).Status(t.Context(), feeddID)
		if err != nil || st.Restarts != want.Restarts || st.GaveUp != want.GaveUp {
			t.Errorf("%s: %+v, %v", result, st, err)
		}
	}
}

// While systemd waits before a restart, the status says when it comes, and its number.
func TestIssue10_4_NextTry(t *testing.T) {
	const waits = "ActiveState=activating\nSubState=auto-restart\nStateChangeTimestamp=@1000\nNRestarts=2\n"
	for name, tt := range map[string]struct {
		properties string
		want       *platform.NextTry
	}{
		"it runs":   {"ActiveState=active\nSubState=running\nRestartUSec=2s\n", nil},
		"in a loop": {waits + "RestartUSec=2s\nStartLimitBurst=11\nStartLimitIntervalUSec=1min 30s\n", &platform.NextTry{At: time.Unix(1002, 0), Number: 3, Max: 10, Window: 90 * time.Second}},
		"it grows":  {waits + "RestartUSec=100ms\nRestartUSecNext=1min 1.5s\nStartLimitIntervalUSec=0\n", &platform.NextTry{At: time.Unix(1061, 5e8), Number: 3}},
		"who knows": {waits + "RestartUSec=infinity\n", &platform.NextTry{Number: 3}},
	} {
		st, err := systemd.New(ended(t, tt.properties), systemd.Options{}).Status(t.Context(), feeddID)
		if err != nil || (st.Next == nil) != (tt.want == nil) || st.Next != nil && *st.Next != *tt.want {
			t.Errorf("%s: %+v, want %+v, %v", name, st.Next, tt.want, err)
		}
	}
}

// A user's service starts at boot only if the user lingers.
func TestIssue10_4_WithoutLinger(t *testing.T) {
	id := platform.ID{Name: "feedd", Scope: platform.ScopeUser}
	for lingers, files := range map[bool]map[string]string{false: {}, true: {"/var/lib/systemd/linger/ann": ""}} {
		sys := ended(t, "")
		sys.answers[strings.Replace(show, "systemctl ", "systemctl --user ", 1)+"feedd.service"] = answer{out: "LoadState=loaded\nUnitFileState=enabled\n"}
		maps.Copy(sys.files, files)
		st, err := systemd.New(sys, systemd.Options{User: "ann", Home: "/home/ann"}).Status(t.Context(), id)
		if err != nil || !st.Enabled || st.AtLogin == lingers {
			t.Errorf("lingers %t: %+v, %v", lingers, st, err)
		}
	}
}

func TestLogsAreSynced(t *testing.T) {
	sys := ended(t, "")
	sys.answers["journalctl --sync"] = answer{}
	if err := systemd.New(sys, systemd.Options{}).SyncLogs(t.Context()); err != nil || !sys.did("journalctl --sync") {
		t.Errorf("%v, ran %q", err, sys.ran)
	}
}

func TestLogsAreNarrowedDown(t *testing.T) {
	argv := systemd.New(ended(t, ""), systemd.Options{}).FilteredLogs(feeddID, platform.LogFilter{Lines: 7, Since: "10 min ago", Priority: "err", JSON: true})
	if got := strings.Join(argv, "|"); got != "journalctl|--no-pager|-u|feedd.service|-n|7|--since=10 min ago|--priority=err|--output=json" {
		t.Error(got)
	}
}

// After the restart that follows a watchdog's kill, the unit has no exit any more, but the
// journal has.
func TestIssue10_4_WatchdogDeathIsToldAfterTheRestart(t *testing.T) {
	const runs = "ActiveState=active\nSubState=running\nMainPID=70\nNRestarts=1\nExecMainCode=0\n"
	for name, tt := range map[string]struct{ properties, journal, want string }{
		"watchdog":         {runs, `{"UNIT_RESULT":"watchdog","__REALTIME_TIMESTAMP":"1000000000"}`, "watchdog"},
		"not for us":       {runs, "", ""},
		"started by hand":  {strings.Replace(runs, "NRestarts=1", "NRestarts=0", 1), `{"UNIT_RESULT":"watchdog","__REALTIME_TIMESTAMP":"1"}`, ""},
		"something else":   {runs, `[1]`, ""},
		"without its time": {runs, `{"UNIT_RESULT":"watchdog"}`, ""},
	} {
		sys := ended(t, tt.properties)
		sys.answers[askEnds] = answer{out: tt.journal + "\n" + `{"N_RESTARTS":"1","__REALTIME_TIMESTAMP":"1000100000"}`}
		st, err := systemd.New(sys, systemd.Options{}).Status(t.Context(), feeddID)
		got := ""
		if st.LastExit != nil {
			got = st.LastExit.Reason
		}
		if err != nil || got != tt.want || got != "" && !st.EndedAt.Equal(time.Unix(1000, 0)) {
			t.Errorf("%s: %+v at %v, %v", name, st.LastExit, st.EndedAt, err)
		}
	}
}

// The journal also has the exit code or the signal, which "exit-code" does not say.
func TestIssue11_HowARunEndedIsToldAfterTheRestart(t *testing.T) {
	const (
		runs   = "ActiveState=active\nSubState=running\nMainPID=70\nNRestarts=1\nExecMainCode=0\n"
		failed = `{"UNIT_RESULT":"WHAT","__REALTIME_TIMESTAMP":"1000000000"}`
		exited = `{"COMMAND":"ExecStart","EXIT_CODE":"exited","EXIT_STATUS":"3","__REALTIME_TIMESTAMP":"1"}`
		again  = `{"N_RESTARTS":"1","__REALTIME_TIMESTAMP":"1000100000"}`
		killed = `{"COMMAND":"ExecStart","EXIT_CODE":"killed","EXIT_STATUS":"9","__REALTIME_TIMESTAMP":"1"}`
		after  = `{"COMMAND":"ExecStopPost","EXIT_CODE":"exited","EXIT_STATUS":"1","__REALTIME_TIMESTAMP":"1"}`
		odd    = `{"COMMAND":"ExecStart","EXIT_CODE":"exited","EXIT_STATUS":"?","__REALTIME_TIMESTAMP":"1"}`
	)
	exitCode, signal := strings.ReplaceAll(failed, "WHAT", "exit-code"), strings.ReplaceAll(failed, "WHAT", "signal")
	for name, tt := range map[string]struct {
		journal []string
		want    platform.Exit
	}{
		"a code":                 {[]string{exited, exitCode, again}, platform.Exit{Code: 3, Reason: "exit-code"}},
		"a signal":               {[]string{killed, signal, again}, platform.Exit{Code: -1, Signal: "SIGKILL", Reason: "signal"}},
		"and a process after it": {[]string{killed, after, signal, again}, platform.Exit{Code: -1, Signal: "SIGKILL", Reason: "signal"}},
		"the last of two":        {[]string{exited, exitCode, again, killed, signal, again}, platform.Exit{Code: -1, Signal: "SIGKILL", Reason: "signal"}},
		"not of the one before":  {[]string{exited, exitCode, again, signal, again}, platform.Exit{Code: -1, Reason: "signal"}},
		"nor of one that runs":   {[]string{exited, exitCode, again, killed}, platform.Exit{Code: 3, Reason: "exit-code"}},
		"something odd":          {[]string{odd, exitCode, again}, platform.Exit{Code: -1, Reason: "exit-code"}},
	} {
		sys := ended(t, runs)
		sys.answers[askEnds] = answer{out: strings.Join(tt.journal, "\n") + "\n"}
		st, err := systemd.New(sys, systemd.Options{}).Status(t.Context(), feeddID)
		if err != nil || st.LastExit == nil || *st.LastExit != tt.want || !st.EndedAt.Equal(time.Unix(1000, 0)) {
			t.Errorf("%s: %+v at %v, %v", name, st.LastExit, st.EndedAt, err)
		}
	}
}

// A busy journald has not yet read that the unit failed when the next process already runs: what
// it has is about an end before that, or nothing. A rollback then gave "killed or crashed without
// a trace" as the reason, instead of "exit code 1".
func TestJournaldIsBehindAfterTheRestart(t *testing.T) {
	const (
		runs = "ActiveState=active\nSubState=running\nMainPID=70\nNRestarts=1\nExecMainCode=0\nInactiveExitTimestampMonotonic=50000000\n"
		sync = "journalctl --sync"
		old  = `{"UNIT_RESULT":"watchdog","__REALTIME_TIMESTAMP":"1000000"}` + "\n" + `{"N_RESTARTS":"1","__REALTIME_TIMESTAMP":"2000000","__MONOTONIC_TIMESTAMP":"40000000"}` + "\n"
		dead = `{"UNIT_RESULT":"signal","_SOURCE_REALTIME_TIMESTAMP":"7000000","__REALTIME_TIMESTAMP":"9000000"}` + "\n"
		last = dead + `{"N_RESTARTS":"1","__REALTIME_TIMESTAMP":"8000000","__MONOTONIC_TIMESTAMP":"49999000"}` + "\n" // systemd 252
		v257 = dead + `{"N_RESTARTS":"1","__REALTIME_TIMESTAMP":"8000000","__MONOTONIC_TIMESTAMP":"80000000"}` + "\n"
		late = dead + `{"N_RESTARTS":"1","_SOURCE_REALTIME_TIMESTAMP":"8000000","__REALTIME_TIMESTAMP":"9000000","__MONOTONIC_TIMESTAMP":"50500000"}` + "\n"
	)
	for name, tt := range map[string]struct {
		was, is string // the journal, before and after it is synced
		denied  bool
		want    string
	}{
		"nothing yet":             {"", last, false, "signal"},
		"only an older end":       {old, old + last, false, "signal"},
		"all but the restart":     {old + dead, old + last, false, "signal"},
		"all of it":               {old + last, "", false, "signal"},
		"all, after a delay":      {old + v257, "", false, "signal"},
		"all, read late":          {late, "", false, "signal"},
		"never":                   {old, old, false, ""},
		"it cannot be waited for": {old, "", true, ""},
		"a clean end":             {old + last[len(dead):], "", false, ""},
		"an older one, read late": {strings.Replace(late, ":\"8", ":\"5", 1), "", false, ""},
	} {
		sys := ended(t, runs)
		sys.answers[askEnds] = answer{out: tt.was}
		synced := answer{then: func() { sys.answers[askEnds] = answer{out: tt.is} }}
		if tt.denied {
			synced = answer{code: 1}
		}
		sys.answers[sync] = synced
		st, err := systemd.New(sys, systemd.Options{}).Status(t.Context(), feeddID)
		got := ""
		if st.LastExit != nil {
			got = st.LastExit.Reason
		}
		if err != nil || got != tt.want || got != "" && !st.EndedAt.Equal(time.Unix(7, 0)) {
			t.Errorf("%s: %q at %v, want %q; %v", name, got, st.EndedAt, tt.want, err)
		}
	}
}
