package state_test

import (
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/platform/state"
)

var (
	now = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	us  = proc.Identity{PID: 70, Start: 7, Boot: "b"}
	old = proc.Identity{PID: 60, Start: 6, Boot: "b"}

	killed = &platform.Exit{Code: -1, Signal: "SIGKILL", Reason: "signal"}
	cut    = &platform.Exit{Code: -1, Reason: "killed or crashed without a trace"}
	clean  = &platform.Exit{Clean: true, Reason: "asked to stop by SIGTERM"}
	before = &platform.Exit{Code: 217, Reason: "exit-code"} // systemd's own USER
	failed = &platform.Exit{Code: 1, Reason: "no feed"}
)

func ago(d time.Duration) time.Time { return now.Add(-d) }

func held(p proc.Identity, since time.Duration) state.Lock {
	return state.Lock{Answer: state.LockHeld, Process: p, Since: ago(since)}
}

func wrote(p proc.Identity, phase platform.Phase, since time.Duration) *state.State {
	return &state.State{Process: p, Phase: phase, PhaseSince: ago(since), Written: ago(since), StatusText: "its own words", Restarts: 2, LastExit: failed}
}

func says(phase platform.Phase, pid int, since time.Duration) *platform.Status {
	return &platform.Status{Installed: true, Phase: phase, PID: pid, Since: ago(since).Truncate(time.Second), Text: "heard"}
}

func assumes(pid int) *platform.Status {
	return &platform.Status{Installed: true, Phase: ready, PID: pid, Assumed: true}
}

func ended(m *platform.Status, e *platform.Exit, at time.Duration) *platform.Status {
	m.LastExit, m.EndedAt = e, ago(at).Truncate(time.Second)
	return m
}

var (
	free    = state.Lock{Answer: state.LockFree}
	unnamed = state.Lock{Answer: state.LockUnnamed}
)

const (
	ready     = platform.PhaseReady
	starting  = platform.PhaseStarting
	reloading = platform.PhaseReloading
	standby   = platform.PhaseStandby
	stopping  = platform.PhaseStopping
	stopped   = platform.PhaseStopped
	broken    = platform.PhaseFailed
	unknown   = platform.PhaseUnknown
)

// candidate makes f the state of an instance of a cluster.
func candidate(f *state.State) *state.State {
	f.Cluster = &state.Cluster{Role: state.RoleLeader}
	return f
}

// A want has the compared part of a Truth.
type want struct {
	phase    platform.Phase
	pid      int
	running  bool
	unknown  bool // whether anything runs
	text     string
	exit     *platform.Exit
	again    bool
	stale    bool
	stranger bool
}

// The cases follow the table in the comment of Merge, and include the faults that led to it.
func TestMerge(t *testing.T) {
	const sec, minute = time.Second, time.Minute
	for name, tt := range map[string]struct {
		s state.Sources
		w want
	}{
		"ready, by its own word": {
			state.Sources{Lock: held(us, minute), File: wrote(us, ready, 50*sec), Manager: says(ready, 70, 50*sec)},
			want{phase: ready, pid: 70, running: true, text: "its own words", exit: failed},
		},
		"ready, nobody manages it": {
			state.Sources{Lock: held(us, minute), File: wrote(us, ready, 50*sec)},
			want{phase: ready, pid: 70, running: true, text: "its own words", exit: failed},
		},
		"reloading: the manager's ready is older": {
			state.Sources{Lock: held(us, minute), File: wrote(us, reloading, sec), Manager: says(ready, 70, 50*sec)},
			want{phase: reloading, pid: 70, running: true, text: "its own words", exit: failed},
		},
		"stopping: the manager has not heard": {
			state.Sources{Lock: held(us, minute), File: wrote(us, stopping, sec), Manager: says(ready, 70, 50*sec)},
			want{phase: stopping, pid: 70, running: true, text: "its own words", exit: failed},
		},
		"it stands by, which the manager takes for ready": {
			state.Sources{Lock: held(us, minute), File: wrote(us, standby, 50*sec), Manager: says(ready, 70, 50*sec)},
			want{phase: standby, pid: 70, running: true, text: "its own words", exit: failed},
		},
		"it starts as the leader, within the second in which it stood by": {
			state.Sources{Lock: held(us, minute), File: candidate(wrote(us, starting, 1900*time.Millisecond)), Manager: says(ready, 70, 1200*time.Millisecond)},
			want{phase: starting, pid: 70, running: true, text: "its own words", exit: failed},
		},
		"the disk was full when it became ready": { // fault H
			state.Sources{Lock: held(us, minute), File: wrote(us, starting, 59*sec), Manager: says(ready, 70, 50*sec)},
			want{phase: ready, pid: 70, running: true, text: "heard", exit: failed, stale: true},
		},
		"the disk was full, and ready within the second": {
			state.Sources{Lock: held(us, minute), File: wrote(us, starting, 1900*time.Millisecond), Manager: says(ready, 70, 1200*time.Millisecond)},
			want{phase: ready, pid: 70, running: true, text: "heard", exit: failed, stale: true},
		},
		"the manager's ready is of a process before (OpenRC)": {
			state.Sources{Lock: held(us, sec), File: wrote(us, starting, sec), Manager: assumes(70)},
			want{phase: starting, pid: 70, running: true, text: "its own words", exit: failed},
		},
		"the disk was full, and nobody else knows": { // fault H
			state.Sources{Lock: held(us, time.Hour), File: wrote(us, starting, time.Hour), StartTimeout: minute},
			want{phase: unknown, pid: 70, running: true, text: "its own words", exit: failed, stale: true},
		},
		"a long start": {
			state.Sources{Lock: held(us, time.Hour), File: wrote(us, starting, minute), StartTimeout: minute},
			want{phase: starting, pid: 70, running: true, text: "its own words", exit: failed},
		},
		"it has just taken the lock": {
			state.Sources{Lock: held(us, sec), File: wrote(old, ready, minute)},
			want{phase: starting, pid: 70, running: true},
		},
		"its file is gone": {
			state.Sources{Lock: held(us, minute)},
			want{phase: unknown, pid: 70, running: true},
		},
		"its file is gone, the manager knows": { // fault G
			state.Sources{Lock: held(us, minute), Manager: says(ready, 70, 50*sec)},
			want{phase: ready, pid: 70, running: true, text: "heard"},
		},
		"a file of the one before, the manager knows": {
			state.Sources{Lock: held(us, minute), File: wrote(old, stopping, 70*sec), Manager: says(ready, 70, 50*sec)},
			want{phase: ready, pid: 70, running: true, text: "heard"},
		},
		"not started by its manager": {
			state.Sources{Lock: held(us, minute), File: wrote(us, ready, minute), Manager: says(stopped, 0, time.Hour)},
			want{phase: ready, pid: 70, running: true, text: "its own words", exit: failed, stranger: true},
		},
		"the end of a stop, and the manager assumes (OpenRC)": {
			state.Sources{Lock: held(us, time.Hour), Manager: assumes(70), Watched: us},
			want{phase: unknown, pid: 70, running: true},
		},
		"it has let go of its lock, and the manager assumes": {
			state.Sources{Lock: free, Manager: assumes(70), Watched: us, Last: state.LastRun{Process: us, Started: ago(minute), Ended: ago(sec), Exit: clean}},
			want{phase: stopping, pid: 70, running: true, exit: clean},
		},
		"it was started again, and the manager assumes": {
			state.Sources{Lock: free, Manager: assumes(70), Watched: us, Last: state.LastRun{Process: old, Started: ago(minute), Ended: ago(sec), Exit: clean}},
			want{phase: starting, pid: 70, running: true, exit: clean},
		},
		"somebody holds it, and the manager assumes": {
			state.Sources{Lock: unnamed, Manager: assumes(70), Watched: us},
			want{phase: unknown, pid: 70, running: true},
		},
		"not for us to see, and the manager assumes": {
			state.Sources{Manager: assumes(70), Watched: us},
			want{phase: ready, pid: 70, running: true},
		},
		"its lock's record is lost, its file is not": { // fault G
			state.Sources{Lock: unnamed, Watched: us, File: wrote(us, ready, 50*sec), Manager: says(ready, 70, 50*sec)},
			want{phase: ready, pid: 70, running: true, text: "its own words", exit: failed},
		},
		"all its files are lost, the manager knows": { // fault G
			state.Sources{Lock: unnamed, Watched: us, Manager: says(ready, 70, 50*sec)},
			want{phase: ready, pid: 70, running: true, text: "heard"},
		},
		"somebody holds it, whoever": {
			state.Sources{Lock: unnamed, Manager: says(stopped, 0, time.Hour)},
			want{phase: unknown, running: true},
		},
		"not for us to see, the manager knows": {
			state.Sources{Manager: says(ready, 70, 50*sec)},
			want{phase: ready, pid: 70, running: true, text: "heard"},
		},
		"not for us to see": {
			state.Sources{Manager: says(stopped, 0, 50*sec)},
			want{phase: unknown, unknown: true},
		},
		"it has not come as far as its lock": {
			state.Sources{Lock: free, Manager: says(starting, 70, sec), Watched: us},
			want{phase: starting, pid: 70, running: true, text: "heard"},
		},
		"the manager believes in the dead": {
			state.Sources{Lock: free, Manager: says(ready, 70, minute), Gone: true, File: wrote(us, ready, minute), Last: state.LastRun{Started: ago(minute), Exit: cut}},
			want{phase: broken, exit: cut},
		},
		"nothing was ever there": {
			state.Sources{Lock: free},
			want{phase: stopped},
		},
		"stopped in order": {
			state.Sources{Lock: free, Manager: says(stopped, 0, sec), Last: state.LastRun{Started: ago(minute), Ended: ago(sec), Exit: clean}},
			want{phase: stopped, exit: clean},
		},
		"cut off": {
			state.Sources{Lock: free, Last: state.LastRun{Started: ago(minute), Exit: cut}},
			want{phase: broken, exit: cut},
		},
		"cut off, the manager knows by what": { // a watchdog's kill was "without a trace"
			state.Sources{Lock: free, Manager: ended(says(broken, 0, sec), killed, sec), Last: state.LastRun{Started: ago(minute), Exit: cut}},
			want{phase: broken, exit: killed},
		},
		"cut off in a run that the manager knows nothing of": {
			state.Sources{Lock: free, Manager: ended(says(stopped, 0, time.Hour), killed, time.Hour), Last: state.LastRun{Started: ago(minute), Exit: cut}},
			want{phase: broken, exit: cut},
		},
		"restarted, and the open record is its own": { // a rollback gave "without a trace" as the reason
			state.Sources{Lock: free, Manager: ended(says(ready, 70, 0), before, sec), Watched: us, Last: state.LastRun{Process: us, Started: now, Exit: cut}},
			want{phase: ready, pid: 70, running: true, text: "heard", exit: before},
		},
		"restarted, before its file is there": {
			state.Sources{Lock: held(us, 0), Manager: ended(says(ready, 70, 0), before, 2*sec), Last: state.LastRun{Process: us, Started: now, Exit: cut}},
			want{phase: ready, pid: 70, running: true, text: "heard", exit: before},
		},
		"the last moment of a stop": { // its file is removed: it was starting, or not known
			state.Sources{Lock: held(us, time.Hour), Last: state.LastRun{Process: us, Started: ago(time.Hour), Ended: now, Exit: clean}},
			want{phase: stopping, pid: 70, running: true, exit: clean},
		},
		"the last moment of a stop, of which its manager knows nothing": {
			state.Sources{Lock: held(us, sec), Manager: assumes(70), Watched: us, Last: state.LastRun{Process: us, Started: ago(sec), Ended: now, Exit: clean}},
			want{phase: stopping, pid: 70, running: true, exit: clean},
		},
		"started, and nobody knows of a run before": {
			state.Sources{Lock: held(us, 0), Last: state.LastRun{Process: us, Started: now, Exit: cut}},
			want{phase: starting, pid: 70, running: true},
		},
		"failed before its first line": { // 217, and status showed the older "clean"
			state.Sources{Lock: free, Manager: ended(says(broken, 0, sec), before, sec), Last: state.LastRun{Started: ago(time.Hour), Ended: ago(minute), Exit: clean}},
			want{phase: broken, exit: before},
		},
		"failed before its first line, a moment later": {
			state.Sources{Lock: free, Manager: ended(says(broken, 0, sec), before, sec), Last: state.LastRun{Started: ago(time.Hour), Ended: ago(2 * sec), Exit: clean}},
			want{phase: broken, exit: before},
		},
		"failed, and the program knows why": {
			state.Sources{Lock: free, Manager: ended(says(broken, 0, sec), &platform.Exit{Code: 1, Reason: "exit-code"}, sec), Last: state.LastRun{Started: ago(minute), Ended: ago(sec), Exit: failed}},
			want{phase: broken, exit: failed},
		},
		"stopped by hand after the manager's run failed": {
			state.Sources{Lock: free, Manager: ended(says(stopped, 0, time.Hour), killed, time.Hour), Last: state.LastRun{Started: ago(minute), Ended: ago(sec), Exit: clean}},
			want{phase: stopped, exit: clean},
		},
		"crashed, about to be started again": { // it said "starting" of what crashes in a loop
			state.Sources{Lock: free, Manager: ended(says(starting, 0, sec), killed, sec), Last: state.LastRun{Started: ago(minute), Exit: cut}},
			want{phase: broken, exit: killed, again: true},
		},
		"crashed, a supervisor is about to restart it": {
			state.Sources{Lock: free, Supervisor: ago(time.Hour), Last: state.LastRun{Started: ago(minute), Exit: cut}},
			want{phase: broken, exit: cut, again: true},
		},
		"ended well, about to be started again": {
			state.Sources{Lock: free, Supervisor: ago(time.Hour), Last: state.LastRun{Started: ago(minute), Ended: ago(sec), Exit: clean}},
			want{phase: starting, exit: clean, again: true},
		},
		"asked to start for the first time": {
			state.Sources{Lock: free, Manager: says(starting, 0, sec)},
			want{phase: starting, again: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			tt.s.Now = now
			got := state.Merge(tt.s)
			g := want{got.Phase, got.Process.PID, got.Running, !got.Known, got.Text, got.LastExit, got.Again, !got.Stale.IsZero(), got.Stranger}
			if g != tt.w {
				t.Errorf("got  %+v\nwant %+v", g, tt.w)
			}
			if got.Ready() != (tt.w.running && (tt.w.phase == ready || tt.w.phase == reloading || tt.w.phase == standby)) {
				t.Errorf("ready: %v", got.Ready())
			}
		})
	}
}

// The beginning of a phase, and the count of restarts, come from the same source as these.
func TestMergeTimes(t *testing.T) {
	s := state.Sources{Now: now, Lock: held(us, time.Minute), File: wrote(us, ready, time.Second), Manager: says(ready, 70, 50*time.Second)}
	if got := state.Merge(s); !got.Since.Equal(ago(time.Second)) || got.Restarts != 0 {
		t.Errorf("%+v", got)
	}
	s.Manager = nil
	if got := state.Merge(s); got.Restarts != 2 {
		t.Errorf("without a manager, %d restarts", got.Restarts)
	}
	s.Manager = &platform.Status{Manager: "sysv", Installed: true} // a manager that does not watch
	if got := state.Merge(s); !got.Stranger {
		t.Errorf("started by hand: %+v", got)
	}
	s.Lock.Origin = "sysv"
	if got := state.Merge(s); got.Restarts != 2 || got.Stranger {
		t.Errorf("with one that watches nothing: %+v", got)
	}
	dead := state.Sources{Now: now, Lock: free, Last: state.LastRun{Started: ago(time.Hour), Ended: ago(time.Minute), Exit: failed, Restarts: 3}}
	if got := state.Merge(dead); !got.Since.Equal(ago(time.Minute)) || got.Restarts != 3 {
		t.Errorf("dead: %+v", got)
	}
}
