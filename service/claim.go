package service

import (
	"errors"
	"maps"
	"os"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/singleton"
)

// A holding is what the one instance of a service owns.
type holding struct {
	dirs   Dirs
	lock   *singleton.Lock
	record *recovery.Record
	last   recovery.LastRun
	again  int // number of restarts, as far as it is known
	state  *stateFile

	term     uint64
	termKept *pending // the write of term to disk
	// private is a directory that only this process uses, or empty.
	private string
}

// Names of the host of a process that a script started, of SysV or of OpenRC.
const (
	bySysV   = "sysv"
	byOpenRC = "openrc"
)

// claim makes this process the one instance. If a guest cannot be the instance, or is run by
// hand, it gets a private directory instead. Under SysV nothing prevents two starts at once,
// so a second process is refused there.
func (l *life) claim() (h holding, err error) {
	serves := l.cfg.Guest.serves()
	if !serves || l.host.Name() != "" {
		h, err = l.claimName()
		held := errors.Is(err, singleton.ErrHeld)
		switch {
		case err == nil:
			return h, nil
		case !serves, held && l.host.Name() == bySysV:
			if held {
				l.tellOfRefusal(h.dirs, err)
			}
			return h, err
		}
		l.log.Debug("a further instance runs: it keeps its own records", "error", err)
	}
	dir, failed := os.MkdirTemp("", l.id+"-")
	if failed != nil {
		return h, errors.Join(err, failed)
	}
	l.cfg.RuntimeDir, l.cfg.StateDir = dir, dir
	h, err = l.claimName()
	h.private = dir
	if err != nil {
		_ = h.vanish()
	}
	return h, err
}

// claimName makes this process the one instance: it takes the lock, begins the last-run record
// and writes the state file.
func (l *life) claimName() (h holding, err error) {
	if h.dirs, err = l.cfg.ownDirs(l.host.Name()); err != nil {
		return h, err
	}
	h.lock, err = l.machine.acquire(singleton.Options{
		Name: l.id, Dir: h.dirs.Runtime, StateDir: h.dirs.State, Origin: l.host.Name(), Overlap: overlap(l.host),
	})
	if err != nil {
		return h, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.lock.Release())
		}
	}()
	self := h.lock.Holder().Identity
	last, unread := recovery.Read(h.dirs.LastRunFile(l.id))
	lastTerm, err := l.beginTerm(&h, last.Term)
	if err != nil {
		return h, err
	}
	h.record, h.last, err = recovery.BeginAfter(h.dirs.LastRunFile(l.id), last, unread, recovery.LastRun{
		Process: self, Parent: os.Getppid(), Version: l.cfg.Version, Trial: l.onTrial(), Term: h.term,
	})
	if errors.Is(err, recovery.ErrDamaged) {
		l.log.Warn("the last run counts as cut off", "error", err)
	} else if err != nil {
		return h, err
	}
	h.last.Term = max(h.last.Term, lastTerm)
	h.again = l.supervised(&h)
	l.lastWords(&h)
	h.state = newStateFile(h.dirs.StateFile(l.id), h.dirs.SettingsFile(l.id), State{
		Name: l.id, Version: l.cfg.Version, Process: self, Manager: l.host.Name(), ConfigFile: l.cfg.File,
		Phase: platform.PhaseStarting, PhaseSince: time.Now(),
		StartedAt: l.begun, Restarts: h.again, LastExit: h.last.Ending(), LastRun: h.last.Summary(),
		Settings: l.settings, ProgramSettings: maps.Clone(l.cfg.programSettings), Trial: l.onTrial(), Keeper: l.trial.Keeper(),
	}, l.machine.writeState, l.log.Warn)
	// The state file only describes. On Windows anybody who has it open could keep us
	// from starting, so the write is repeated once the file is closed.
	err = h.state.await(h.state.change(func(*State) {}))
	if errors.Is(err, files.ErrInUse) || errors.Is(err, errStateSlow) {
		err = nil
	}
	if err != nil {
		return h, errors.Join(err, h.state.remove(), recovery.ForgetCrash(h.dirs.CrashFile(l.id)))
	}
	return h, nil
}

// supervised returns how often the service was restarted since somebody started it by hand.
// Our own supervisor has recorded that, and how the last run ended. For other managers the
// last-run record counts. A process that was started by hand has no restarts.
func (l *life) supervised(h *holding) int {
	name := l.host.Name()
	if name != bySysV && name != byOpenRC { // which alone may run our own supervisor
		if name == "" {
			return 0
		}
		return h.record.Restarts()
	}
	seen, err := state.Read(h.dirs.StateFile(l.id + ".supervisor"))
	if err != nil || seen.Process.PID != os.Getppid() {
		if name == byOpenRC { // its own supervisor
			return h.record.Restarts()
		}
		return 0
	}
	if seen.LastExit != nil && !seen.PhaseSince.Before(h.last.Started) {
		h.last.Seen = seen.LastExit
	}
	return seen.Restarts
}

// lastWords reads the crash report of the last run, and arranges for one of this run. A
// failure of either does not prevent the start.
func (l *life) lastWords(h *holding) {
	path := h.dirs.CrashFile(l.id)
	crash, err := recovery.ReadCrash(path)
	if err == nil && crash != nil && h.last.Known() && h.last.Exit == nil {
		h.last.Seen = &crash.Exit
		l.log.Error("the last run crashed", "how", crash.Exit.Reason, "text", crash.Text)
	}
	if err = errors.Join(err, recovery.CatchCrash(path)); err != nil {
		l.log.Warn("a crash may leave no record", "error", err)
	}
}

// giveUp undoes a claim that came too late.
func (h holding) giveUp(id string) {
	_ = recovery.ForgetCrash(h.dirs.CrashFile(id))
	_ = h.record.Close(platform.Exit{Code: platform.ExitFailed, Reason: errNotBegun.Error()}, false)
	_ = h.state.remove()
	_ = h.lock.Release()
	_ = h.vanish()
}

// vanish removes the private directory, if there is one.
func (h holding) vanish() error {
	if h.private == "" {
		return nil
	}
	return os.RemoveAll(h.private)
}
