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
	state  *stateFile
}

// claim makes this process the instance: lock, last-run record, state file.
func (l *life) claim() (h holding, err error) {
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
	h.record, h.last, err = recovery.Begin(h.dirs.LastRunFile(l.id), self, l.cfg.Version)
	if errors.Is(err, recovery.ErrDamaged) {
		l.log.Warn("the last run is taken for one that was cut off", "error", err)
	} else if err != nil {
		return h, err
	}
	restarts := l.supervised(&h)
	h.state = newStateFile(h.dirs.StateFile(l.id), h.dirs.SettingsFile(l.id), State{
		Name: l.id, Version: l.cfg.Version, Process: self, Manager: l.host.Name(), ConfigFile: l.cfg.File,
		Phase: platform.PhaseStarting, PhaseSince: time.Now(),
		StartedAt: l.begun, Restarts: restarts, LastExit: h.last.Ending(),
		Settings: l.settings, ProgramSettings: l.cfg.ProgramSettings(), Trial: l.onTrial(),
	}, l.machine.writeState, l.log.Warn)
	// Everybody may ask how it is, and one who has the file open on Windows could
	// keep us from starting. It only describes, and is written when he lets go of it.
	err = h.state.await(h.state.change(func(*State) {}))
	if errors.Is(err, files.ErrInUse) || errors.Is(err, errStateSlow) {
		err = nil
	}
	if err != nil {
		return h, errors.Join(err, h.state.remove())
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
	case "sysv": // whose supervisor is ours
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

// giveUp takes back a claim that came too late.
func (h holding) giveUp() {
	_ = h.record.Close(platform.Exit{Code: platform.ExitFailed, Reason: errNotBegun.Error()})
	_ = h.state.remove()
	_ = h.lock.Release()
}
