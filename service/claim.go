package service

import (
	"errors"
	"os"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/singleton"
)

// holding is what makes this process the instance.
type holding struct {
	dirs   Dirs
	lock   *singleton.Lock
	record *recovery.Record
	last   recovery.LastRun
	again  int // how often the service was started again, as far as that is known
	state  *stateFile

	term     uint64
	termKept *pending // the write of term to the disk
	// private is a directory for this one process; empty: there is none.
	private string
}

// bySysV is the host of what a script of SysV's has started.
const bySysV = "sysv"

// claim makes this process the instance. A guest that cannot be that, or that somebody
// runs by hand, has a directory of its own; but SysV has nobody who would keep two starts
// at once from being two services, so the second one is refused there.
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
		l.log.Debug("not the one instance: its records are its own", "error", err)
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

// claimName makes this process the instance: lock, last-run record, state file.
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
	lastTerm, err := l.beginTerm(&h)
	if err != nil {
		return h, err
	}
	h.record, h.last, err = recovery.Begin(h.dirs.LastRunFile(l.id), recovery.LastRun{
		Process: self, Version: l.cfg.Version, Trial: l.onTrial(), Term: h.term,
	})
	if errors.Is(err, recovery.ErrDamaged) {
		l.log.Warn("the last run is taken for one that was cut off", "error", err)
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
		Settings: l.settings, ProgramSettings: l.cfg.ProgramSettings(), Trial: l.onTrial(), Keeper: l.trial.Keeper(),
	}, l.machine.writeState, l.log.Warn)
	// Everybody may ask how it is, and one who has the file open on Windows could
	// keep us from starting. It only describes, and is written when he lets go of it.
	err = h.state.await(h.state.change(func(*State) {}))
	if errors.Is(err, files.ErrInUse) || errors.Is(err, errStateSlow) {
		err = nil
	}
	if err != nil {
		return h, errors.Join(err, h.state.remove(), recovery.ForgetCrash(h.dirs.CrashFile(l.id)))
	}
	return h, nil
}

// supervised is how often the service was started again since somebody started it by
// hand. A supervisor of ours has written that down, and how it saw the last run end.
// Others count themselves; what was started by hand nobody has started again.
func (l *life) supervised(h *holding) int {
	switch l.host.Name() {
	case "":
		return 0
	case bySysV: // whose supervisor is ours
	default:
		return h.record.Restarts()
	}
	seen, err := state.Read(h.dirs.StateFile(l.id + ".supervisor"))
	if err != nil || seen.Process.PID != os.Getppid() {
		return 0
	}
	if seen.LastExit != nil && !seen.PhaseSince.Before(h.last.Started) {
		h.last.Seen = seen.LastExit
	}
	return seen.Restarts
}

// lastWords has what the last run could say of its crash, and the same kept of this one.
// Neither is worth a start.
func (l *life) lastWords(h *holding) {
	path := h.dirs.CrashFile(l.id)
	crash, err := recovery.ReadCrash(path)
	if err == nil && crash != nil && h.last.Known() && h.last.Exit == nil {
		h.last.Seen = &crash.Exit
		l.log.Error("the last run crashed", "how", crash.Exit.Reason, "text", crash.Text)
	}
	if err = errors.Join(err, recovery.CatchCrash(path)); err != nil {
		l.log.Warn("a crash may leave no trace", "error", err)
	}
}

// giveUp takes back a claim that came too late.
func (h holding) giveUp(id string) {
	_ = recovery.ForgetCrash(h.dirs.CrashFile(id))
	_ = h.record.Close(platform.Exit{Code: platform.ExitFailed, Reason: errNotBegun.Error()}, false)
	_ = h.state.remove()
	_ = h.lock.Release()
	_ = h.vanish()
}

// vanish removes what nobody else has any use for.
func (h holding) vanish() error {
	if h.private == "" {
		return nil
	}
	return os.RemoveAll(h.private)
}
