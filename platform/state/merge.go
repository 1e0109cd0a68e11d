package state

import (
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// An Answer is the result of a query for the lock.
type Answer int

// The answers.
const (
	LockUnknown Answer = iota // we are not allowed to see it
	LockFree                  // nobody holds it
	LockHeld                  // the verified process Lock.Process holds it
	LockUnnamed               // an unidentified process holds it
)

// A Lock says who holds the lock of the service's name.
type Lock struct {
	Answer  Answer
	Process proc.Identity // the holder, if LockHeld
	Since   time.Time     // when it took the lock
	Origin  string        // name of the manager that started it; empty: a person
}

// A LastRun is the content of the last-run record. While a service runs the record is open,
// and says nothing about its end.
type LastRun struct {
	Process  proc.Identity  // the process that the record describes
	Started  time.Time      // zero: there was no run
	Ended    time.Time      // zero: the run was cut off at an unknown time
	Exit     *platform.Exit // nil: there was no run; code -1: the run was cut off
	Restarts int
}

// Sources has what is known of a service, by source. Zero values are unknown.
type Sources struct {
	Now  time.Time
	Lock Lock
	File *State // by any process; nil: there is none, or it cannot be read
	Last LastRun

	Manager *platform.Status // nil: there is no manager, or it did not answer
	// Watched is the present identity of the process that the manager names. It is zero if
	// that is unknown, or not a process of this program. Gone means that no such process
	// exists any more, whatever the manager reports.
	Watched proc.Identity
	Gone    bool
	// Supervisor is when the running supervisor of ours, which would restart the service, was
	// started. It is zero if there is none.
	Supervisor time.Time

	// StartTimeout limits how long a service may be starting without updating its file. 0
	// means unknown.
	StartTimeout time.Duration
	// Window is the time within which restarts count. A service that has been ready for longer
	// has 0 restarts. 0 means that restarts count for ever.
	Window time.Duration
}

// Truth is the state of the service according to all sources.
type Truth struct {
	Process proc.Identity // the running process; maybe only its PID. PID 0: none, or unknown
	Running bool          // a process runs
	Known   bool          // Running is certain

	Phase platform.Phase
	Since time.Time // when Phase began; zero: unknown
	// File is the state file of the running process. It is nil if there is none, or none that
	// can be trusted.
	File *State
	// Stale is set if the file is older than what other sources say. It is the time that the
	// file describes.
	Stale time.Time

	Text     string
	Restarts int
	LastExit *platform.Exit
	EndedAt  time.Time // when LastExit happened; zero: unknown
	// Again means that no process runs, but a supervisor or the manager is about to start one.
	Again bool
	// Stranger means that the running process was not started by the manager that has the
	// service installed.
	Stranger bool
}

// Ready reports whether the service serves now, or would as soon as it leads its cluster.
func (t Truth) Ready() bool { return t.Running && serves(t.Phase) }

func serves(p platform.Phase) bool {
	return p == platform.PhaseReady || p == platform.PhaseReloading || p == platform.PhaseStandby
}

// settling is the time in which a process that holds the lock writes its state file. It writes
// it at once, but that can take seconds on a busy machine.
const settling = 15 * time.Second

// Merge combines what is known of a service into its present state. Newer information overrides
// older, and a dead process stays dead. Merge is a pure function. Its rules, in this order:
//
//	lock           manager                state file           -> phase
//	held by P      any                    of P                 the file's, except:
//	held by P      names P, and since     of P, older          the manager's, and the file is stale
//	               the file's phase began
//	held by P      any                    of P, "starting" for unknown since the file was written: the start
//	                                      longer than allowed  has ended, and the file does not say how
//	held by P      any                    none, or another's,  stopping: it has removed its file, and is about to
//	                                      P's record closed    release the lock
//	held by P      names P                none, or another's   the manager's
//	held by P      otherwise              none, or another's   starting, for a moment; then unknown since
//	                                                           it took the lock
//	held, unnamed  names P, of this       of P                 as if P held the lock: its record was lost
//	               program
//	held, unnamed  names a process        otherwise            the manager's
//	held, unnamed  otherwise              any                  unknown, but it runs
//	invisible      names a process        any                  the manager's
//	invisible      otherwise              any                  unknown
//	free           names a living process any                  the manager's: it has not taken its lock yet
//	free           assumes that a living  any                  starting, or stopping if its record is closed:
//	               process is ready                            a ready process holds the lock
//	free           is about to start it,  any                  failed, or starting if the last end was clean;
//	               or a supervisor is                          and Again
//	free           failed                 any                  failed
//	free           otherwise              any                  failed if the last end was not clean, or stopped
//
// If the manager only assumes the phase (see platform.Status), its word proves only that the
// process exists, except if the lock is invisible.
//
// The last end is the one in the record or the manager's, whichever is later, because a run
// that failed before the program's first line has no record. For a run that was cut off the
// manager's information is better, since it comes from the kernel.
func Merge(s Sources) Truth {
	t := Truth{Known: true, Phase: platform.PhaseStopped}
	m := s.manager()
	t.LastExit, t.EndedAt, t.Restarts = s.lastEnd(m)
	switch s.Lock.Answer {
	case LockHeld:
		s.held(&t, s.Lock.Process, m)
	case LockUnnamed:
		t.Running = true
		if s.Watched.PID != 0 && s.File != nil && s.File.Process.Same(s.Watched) {
			s.held(&t, s.Watched, m)
		} else if m.PID != 0 {
			s.byManager(&t, m)
			if m.Assumed {
				t.Phase = platform.PhaseUnknown
			}
		} else {
			t.Phase = platform.PhaseUnknown
		}
	case LockFree:
		if m.PID != 0 {
			t.Running = true
			s.byManager(&t, m)
			if m.Assumed {
				t.Phase = s.unlocked()
			}
		} else {
			s.dead(&t, m)
		}
	default:
		if m.PID != 0 {
			t.Running = true
			s.byManager(&t, m)
		} else {
			t.Known, t.Phase = false, platform.PhaseUnknown
		}
	}
	if t.File != nil && t.Ready() && s.Window > 0 && !t.File.ReadyAt.IsZero() && s.Now.Sub(t.File.ReadyAt) > s.Window {
		t.Restarts = 0
	}
	t.Stranger = s.Lock.Answer == LockHeld && m.Installed && s.stranger(t.Process, m)
	return t
}

// manager returns what the manager says, without what is known to be over.
func (s Sources) manager() platform.Status {
	if s.Manager == nil {
		return platform.Status{Phase: platform.PhaseUnknown}
	}
	m := *s.Manager
	if s.Gone {
		m.PID, m.Phase, m.Since, m.Text = 0, platform.PhaseUnknown, time.Time{}, ""
	}
	return m
}

// stranger reports whether the manager, which has the service installed, does not run p. For a
// manager that watches nothing, the origin that p itself has recorded decides.
func (s Sources) stranger(p proc.Identity, m platform.Status) bool {
	if m.Phase == "" {
		return s.Lock.Origin != m.Manager
	}
	return m.PID != p.PID && idle(m.Phase)
}

func idle(p platform.Phase) bool {
	return p == platform.PhaseStopped || p == platform.PhaseFailed
}

// byManager takes the manager's word for the process that it names.
func (s Sources) byManager(t *Truth, m platform.Status) {
	t.Process = s.Watched
	t.Process.PID = m.PID
	t.Phase, t.Since, t.Text = m.Phase, m.Since, m.Text
}

// unlocked returns the phase of a living process that does not hold its lock.
func (s Sources) unlocked() platform.Phase {
	if s.closed(s.Watched) {
		return platform.PhaseStopping
	}
	return platform.PhaseStarting
}

// closed reports whether p has closed the record of its run.
func (s Sources) closed(p proc.Identity) bool {
	return !s.Last.Ended.IsZero() && s.Last.Process.Same(p)
}

// held fills in t for the living process p.
func (s Sources) held(t *Truth, p proc.Identity, m platform.Status) {
	t.Running, t.Process = true, p
	watched := m.PID == p.PID && m.PID != 0 && order(m.Phase) > 0 && !m.Assumed
	if s.File == nil || !s.File.Process.Same(p) {
		switch {
		case s.closed(p):
			t.Phase, t.Since = platform.PhaseStopping, s.Last.Ended
		case watched:
			t.Phase, t.Since, t.Text = m.Phase, m.Since, m.Text
		case s.Now.Sub(s.Lock.Since) < settling:
			t.Phase, t.Since = platform.PhaseStarting, s.Lock.Since
		default:
			t.Phase, t.Since = platform.PhaseUnknown, s.Lock.Since
		}
		return
	}
	f := s.File
	t.File, t.Phase, t.Since, t.Text = f, f.Phase, f.PhaseSince, f.StatusText
	t.Restarts, t.LastExit = f.Restarts, f.LastExit
	// If a run was cut off, its manager knows more, for example that the watchdog ended it.
	if e := f.LastExit; e != nil && e.Code < 0 && e.Signal == "" && m.LastExit != nil && !m.EndedAt.After(f.StartedAt.Add(time.Second)) {
		t.LastExit = m.LastExit
	}
	if counts(m) {
		t.Restarts = m.Restarts
	}
	switch {
	case watched && later(m, *f):
		t.Phase, t.Since, t.Stale = m.Phase, m.Since, f.PhaseSince
		if m.Text != "" {
			t.Text = m.Text
		}
	case f.Phase == platform.PhaseStarting && s.StartTimeout > 0 && !f.Written.IsZero() &&
		s.Now.Sub(f.Written) > s.StartTimeout+platform.StopMargin:
		t.Phase, t.Since, t.Stale = platform.PhaseUnknown, f.Written, f.Written
	}
}

// later reports whether the manager knows more of a process than its file says: a phase that
// comes later in a life, and did not begin before the file's. Managers report whole seconds.
// They take an instance that stands by for ready, and do not learn that it starts as the leader.
func later(m platform.Status, f State) bool {
	if f.Cluster != nil && f.Phase == platform.PhaseStarting && m.Phase != platform.PhaseStopping {
		return false
	}
	return order(m.Phase) > order(f.Phase) && !m.Since.IsZero() && !m.Since.Before(f.PhaseSince.Truncate(time.Second))
}

// order returns how far a process has come in its life, which only goes forward: a reload
// counts as ready, and so does an instance that stands by.
func order(p platform.Phase) int {
	switch p {
	case platform.PhaseStarting:
		return 1
	case platform.PhaseReady, platform.PhaseReloading, platform.PhaseStandby:
		return 2
	case platform.PhaseStopping:
		return 3
	}
	return 0
}

// dead fills in t for a service without a process.
func (s Sources) dead(t *Truth, m platform.Status) {
	unclean := t.LastExit != nil && !t.LastExit.Clean
	if unclean || m.Phase == platform.PhaseFailed {
		t.Phase, t.Since = platform.PhaseFailed, t.EndedAt
	} else {
		t.Since = t.EndedAt
	}
	if t.Since.IsZero() && m.Phase == t.Phase {
		t.Since = m.Since
	}
	if !s.Supervisor.IsZero() || m.Phase == platform.PhaseStarting {
		t.Again = true
		if !unclean {
			t.Phase, t.Since = platform.PhaseStarting, m.Since
		}
	}
}

// lastEnd returns how and when the run before the present one ended, or the last run if none
// is present, and the number of restarts in a row.
func (s Sources) lastEnd(m platform.Status) (*platform.Exit, time.Time, int) {
	restarts := s.Last.Restarts
	if counts(m) {
		restarts = m.Restarts
	}
	if s.present(s.Last.Process) { // the record is open because that run is the present one
		return m.LastExit, m.EndedAt, restarts
	}
	if m.LastExit != nil && s.managerKnowsLater(m) {
		return m.LastExit, m.EndedAt, restarts
	}
	exit := s.Last.Exit
	if exit != nil && exit.Signal != "" && m.LastExit != nil && m.LastExit.Reason == watchdog && !m.EndedAt.Before(s.Last.Started.Truncate(time.Second)) {
		named := *exit // a process does not learn why it gets a signal
		named.Reason = watchdog
		exit = &named
	}
	return exit, s.Last.Ended, restarts
}

// present reports whether p holds the lock, or is the process that the manager names. The sources
// are asked one after the other, so a process may have taken the lock in between.
func (s Sources) present(p proc.Identity) bool {
	return p.PID != 0 && s.Last.Ended.IsZero() && (s.Lock.Answer == LockHeld && p.Same(s.Lock.Process) || !s.Gone && p.Same(s.Watched))
}

// watchdog is the reason of an end that was caused by systemd's watchdog.
const watchdog = "watchdog"

// counts reports whether the manager counts restarts.
func counts(m platform.Status) bool {
	return m.Installed && m.Phase != "" && m.Phase != platform.PhaseUnknown
}

// sameEnd limits the time between the end that a process has recorded and the end that the
// manager reports. Within it, and with the same exit code, both are the same end, and the
// record knows the reason.
const sameEnd = 2 * platform.StopMargin

func (s Sources) managerKnowsLater(m platform.Status) bool {
	exit, ended := s.Last.Exit, s.Last.Ended
	switch {
	case exit == nil:
		return true
	case ended.IsZero(): // cut off: the manager knows more, unless it reports an earlier run
		return exit.Code < 0 && (m.EndedAt.IsZero() || !m.EndedAt.Before(s.Last.Started.Truncate(time.Second)))
	case m.EndedAt.IsZero(), m.EndedAt.Before(ended.Truncate(time.Second)):
		return false
	}
	return m.LastExit.Code != exit.Code || m.EndedAt.Sub(ended) > sameEnd
}
