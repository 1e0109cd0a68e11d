package state

import (
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// Answer is what asking for the lock has given.
type Answer int

// What asking for the lock can give.
const (
	LockUnknown Answer = iota // it is not for us to see
	LockFree                  // nobody holds it
	LockHeld                  // by the verified process Lock.Process
	LockUnnamed               // somebody holds it who cannot be identified
)

// Lock is what the singleton says: who holds the name.
type Lock struct {
	Answer  Answer
	Process proc.Identity // of LockHeld
	Since   time.Time     // since when it holds it
	Origin  string        // who started it; empty: a person
}

// LastRun is what the last-run record says. While a service runs the record is
// open and says nothing of its end.
type LastRun struct {
	Process  proc.Identity  // whose record it is
	Started  time.Time      // zero: there was no run
	Ended    time.Time      // zero: it was cut off, nobody knows when
	Exit     *platform.Exit // nil: there was no run; code -1: it was cut off
	Restarts int
}

// Sources are what is known of one service, each by whom. What could not be
// asked is zero.
type Sources struct {
	Now  time.Time
	Lock Lock
	File *State // whoever wrote it; nil: there is none, or it cannot be read
	Last LastRun

	Manager *platform.Status // nil: there is none, or it did not answer
	// Watched is the process whose number the manager names, as it is now. Zero:
	// it is not known, or not one of this program. Gone: there is no such process
	// any more, whatever the manager believes.
	Watched proc.Identity
	Gone    bool
	// Supervisor is since when a supervisor of ours, which would start the service
	// again, runs; zero: there is none.
	Supervisor time.Time

	// StartTimeout bounds how long a service is starting without a word in its file. 0: not known.
	StartTimeout time.Duration
	// Window is the time within which restarts count: one that has been ready for
	// longer has had none lately. 0: they count for ever.
	Window time.Duration
}

// Truth is what is so now.
type Truth struct {
	Process proc.Identity // who runs; only PID may be known. PID 0: nobody, or nobody knows who
	Running bool          // somebody runs
	Known   bool          // whether somebody runs is known at all

	Phase platform.Phase
	Since time.Time // when Phase began, zero: not known; of PhaseUnknown, since when nothing is known
	// File is the file of the process that runs, nil if there is none that can be believed.
	File *State
	// Stale is, when the file is behind what others know, the moment it speaks of.
	Stale time.Time

	Text     string
	Restarts int
	LastExit *platform.Exit
	EndedAt  time.Time // when LastExit happened; zero: not known
	// Again means that nobody runs and that a supervisor or the manager is about to start it again.
	Again bool
	// Stranger means that who runs was not started by the manager which has the service installed.
	Stranger bool
}

// Ready reports whether the service serves now.
func (t Truth) Ready() bool { return t.Running && serves(t.Phase) }

func serves(p platform.Phase) bool {
	return p == platform.PhaseReady || p == platform.PhaseReloading
}

// settling is how long a process that holds the lock may take until its state
// file is there: it writes it at once, on a busy machine in seconds.
const settling = 15 * time.Second

// Merge joins what is known of a service into what is so, by time: the newer
// word wins, and who is dead is dead. It is a pure function. In this order:
//
//	lock            manager                state file           -> phase
//	held by P       any                    of P                 the file's, but
//	held by P       names P, and since     of P, older          the manager's, and the file is stale;
//	                the file's phase began
//	held by P       any                    of P, "starting" for unknown since the file was written: the start
//	                                       longer than allowed  has ended, and the file cannot say how
//	held by P       names P                none, or another's   the manager's
//	held by P       otherwise              none, or another's   starting, for a moment; then unknown since
//	                                                            it holds the lock
//	held, unnamed   names P, of this       of P                 as if P held the lock: its record was lost
//	                program
//	held, unnamed   names a process        otherwise            the manager's
//	held, unnamed   otherwise              any                  unknown, but it runs
//	not to be seen  names a process        any                  the manager's
//	not to be seen  otherwise              any                  unknown
//	free            names a living process any                  the manager's: it has not come as far as its lock
//	free            assumes that a living  any                  starting, or stopping where its record is closed:
//	                process is ready                            who serves holds the lock
//	free            is about to start it,  any                  failed, or starting where the last end was clean;
//	                or a supervisor is                          and Again
//	free            failed                 any                  failed
//	free            otherwise              any                  failed, if the last end was not clean; or stopped
//
// What the manager only assumes, see platform.Status, counts for no more than that
// the process is there, except where the lock is not to be seen.
//
// The last end is the record's or the manager's, whichever is later: a run that
// failed before the program's first line has no record. Of one that was cut off
// the manager knows more, whom the kernel told.
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

// manager is what the manager says, without what is plainly over.
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

// stranger reports whether the manager, which has the service installed, does not
// run p. One that watches nothing runs what says that it was started by it.
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

// unlocked is where a living process stands that does not hold its lock.
func (s Sources) unlocked() platform.Phase {
	if !s.Last.Ended.IsZero() && s.Last.Process.Same(s.Watched) {
		return platform.PhaseStopping
	}
	return platform.PhaseStarting
}

// held is the truth about the living process p.
func (s Sources) held(t *Truth, p proc.Identity, m platform.Status) {
	t.Running, t.Process = true, p
	watched := m.PID == p.PID && m.PID != 0 && order(m.Phase) > 0 && !m.Assumed
	if s.File == nil || !s.File.Process.Same(p) {
		switch {
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
	// Of a run that was cut off its manager knows more: a watchdog's death, for one.
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

// later reports whether the manager knows more of a process than its file says:
// a phase that comes later in a life, and did not begin before the file's.
// Managers count in whole seconds.
func later(m platform.Status, f State) bool {
	return order(m.Phase) > order(f.Phase) && !m.Since.IsZero() && !m.Since.Before(f.PhaseSince.Truncate(time.Second))
}

// order is how far in its life a process is that cannot go back: a reload is
// part of being ready.
func order(p platform.Phase) int {
	switch p {
	case platform.PhaseStarting:
		return 1
	case platform.PhaseReady, platform.PhaseReloading:
		return 2
	case platform.PhaseStopping:
		return 3
	}
	return 0
}

// dead is the truth about a service of which no process is left.
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

// lastEnd is how the run before the present one ended, or the last one if none
// runs, when, and how many there were in a row.
func (s Sources) lastEnd(m platform.Status) (*platform.Exit, time.Time, int) {
	restarts := s.Last.Restarts
	if counts(m) {
		restarts = m.Restarts
	}
	if m.LastExit != nil && s.managerKnowsLater(m) {
		return m.LastExit, m.EndedAt, restarts
	}
	exit := s.Last.Exit
	if exit != nil && exit.Signal != "" && m.LastExit != nil && m.LastExit.Reason == watchdog && !m.EndedAt.Before(s.Last.Started.Truncate(time.Second)) {
		named := *exit // who gets a signal is not told why
		named.Reason = watchdog
		exit = &named
	}
	return exit, s.Last.Ended, restarts
}

// watchdog is the reason of an end that systemd's watchdog brought about.
const watchdog = "watchdog"

// counts reports whether the manager has a count of restarts to tell.
func counts(m platform.Status) bool {
	return m.Installed && m.Phase != "" && m.Phase != platform.PhaseUnknown
}

// sameEnd is how long after a process wrote down its end the manager may have
// seen it: within that, and with the same code, it is the same end, of which the
// record knows the reason.
const sameEnd = 2 * platform.StopMargin

func (s Sources) managerKnowsLater(m platform.Status) bool {
	exit, ended := s.Last.Exit, s.Last.Ended
	switch {
	case exit == nil:
		return true
	case ended.IsZero(): // cut off: the manager's word is better, unless it is of a run before
		return exit.Code < 0 && (m.EndedAt.IsZero() || !m.EndedAt.Before(s.Last.Started.Truncate(time.Second)))
	case m.EndedAt.IsZero(), m.EndedAt.Before(ended.Truncate(time.Second)):
		return false
	}
	return m.LastExit.Code != exit.Code || m.EndedAt.Sub(ended) > sameEnd
}
