package doctor

import (
	"fmt"

	"github.com/holdfast-dev/holdfast/platform"
)

func lockUnnamed(f Facts) []Finding {
	if !f.Lock.Unnamed {
		return nil
	}
	return only(found(Error, "an unknown process holds the lock %s: its record is missing or cannot be trusted, so no process is signalled", f.Lock.File).
		details("run fuser or lsof on that file, or handle on Windows, to find the process"))
}

// startedByHand finds what incident 3 began with: a process that the manager did not start.
// While it runs, the manager's own start is refused.
func startedByHand(f Facts) []Finding {
	l := f.Life
	if !l.Running || !l.Stranger {
		return nil
	}
	by := "by hand"
	if l.StartedBy != "" && l.StartedBy != "hand" {
		by = "by " + l.StartedBy
	}
	return only(found(Warning, "process %d was started %s and not by %s, with which the service is installed: it is not restarted after a failure, and a start by %s is refused while it runs",
		l.PID, by, f.Manager.Name, f.Manager.Name).fix(f.line("restart")))
}

func otherProcess(f Facts) (all []Finding) {
	for _, p := range f.Others {
		s, what := Warning, "both may do the same work"
		if p.Apart {
			s, what = Note, "it may be meant to be another one"
		}
		all = append(all, found(s, "process %d%s runs the same program as a service, and does not hold the lock of %s: %s (%s)",
			p.PID, prefixed(", user ", p.User), f.Service, what, p.Command).fix(killing(f, p.PID)))
	}
	return all
}

// killing returns the command that ends another process, in order if the system can do so.
func killing(f Facts, pid int) string {
	if f.Manager.Name == "scm" {
		return fmt.Sprintf("taskkill /PID %d /F", pid)
	}
	return fmt.Sprintf("kill %d", pid)
}

// notAnswering finds a process that holds the lock, while nobody knows whether it serves.
func notAnswering(f Facts) []Finding {
	l := f.Life
	switch {
	case l.Running && l.Suspended:
		return only(found(Error, "process %d is suspended (by SIGSTOP, or by a debugger): it does nothing until it is continued", l.PID).fix(fmt.Sprintf("kill -CONT %d", l.PID)))
	case !l.Running || l.Phase != platform.PhaseUnknown || f.Lock.Unnamed || f.Lock.StateFileWrong != "" || l.PID == 0:
		return nil
	case l.Since.IsZero():
		return only(found(Error, "process %d runs, but it is unknown whether it is ready", l.PID).fix(f.line("restart")))
	}
	return only(found(Error, "process %d should be ready by now, but has reported no progress since %s", l.PID, when(l.Since)).fix(f.line("restart")))
}

// stopOverdue finds a stop that exceeds its timeout.
func stopOverdue(f Facts) []Finding {
	l := f.Life
	if !l.Running || l.Phase != platform.PhaseStopping || l.Since.IsZero() || l.StopTimeout <= 0 || f.Now.Sub(l.Since) <= l.StopTimeout+platform.StopMargin {
		return nil
	}
	at := ""
	if l.Stop != nil && l.Stop.Now != "" {
		at = " (it is at " + l.Stop.Now + ")"
	}
	return only(found(Error, "process %d has been stopping since %s, but should have ended within %v%s", l.PID, when(l.Since), l.StopTimeout, at).fix(f.line("stop --kill")))
}

// socketClosed finds a socket of the configuration at which the service does not serve.
func socketClosed(f Facts) (all []Finding) {
	for _, s := range f.Life.Closed {
		verb := "restart"
		if s.Reload {
			verb = "reload"
		}
		all = append(all, found(Error, "socket %q of the configuration is not open on %s: %s", s.Name, s.Listen, s.Why).fix(f.line(verb)))
	}
	return all
}

func supervisorGone(f Facts) []Finding {
	switch why := f.Manager.Examined.Unwatched; {
	case !f.Life.Running:
		return nil
	case why != "":
		return only(found(Warning, "nothing restarts process %d when it fails: %s", f.Life.PID, why).fix(f.line("restart")))
	case f.Life.SupervisorGone:
		return only(found(Warning, "nothing restarts process %d when it fails: its supervisor is gone", f.Life.PID).fix(f.line("restart")))
	}
	return nil
}

func pidFileWrong(f Facts) []Finding {
	if !f.Life.Running || f.Lock.PIDFileWrong == "" {
		return nil
	}
	fix := f.line("restart")
	if f.Lock.PIDFileBlocked { // the process itself then repairs the PID file
		fix = f.Lock.unblock()
	}
	return only(found(Warning, "the PID file %s is not that of process %d, which holds the lock: %s", f.Lock.PIDFile, f.Life.PID, f.Lock.PIDFileWrong).fix(fix))
}

func stateFileMissing(f Facts) []Finding {
	if !f.Life.Running || f.Lock.StateFileWrong == "" {
		return nil
	}
	return only(found(Warning, "the state file of process %d cannot be used: %s", f.Life.PID, f.Lock.StateFileWrong).fix(f.line("restart")))
}

// unblock returns the command that moves away what is at the path of the PID file.
func (l Lock) unblock() string { return "mv " + word(l.PIDFile) + " " + word(l.PIDFile+".aside") }

func pidFileLeft(f Facts) []Finding {
	if !f.Life.Down() || f.Lock.PIDFileLeft == "" {
		return nil
	}
	if f.Lock.PIDFileBlocked {
		return only(found(Error, "the next start will fail, because its PID file is not a regular file: %s", f.Lock.PIDFileLeft).fix(f.Lock.unblock()))
	}
	return only(found(Note, "a PID file of an ended run is left: %s; the next start replaces it", f.Lock.PIDFileLeft).fix(f.line("start")))
}
