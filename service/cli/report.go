package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/holdfast-dev/holdfast/installer/upgrade"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/alarm"
	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/singleton"
)

// report is all that can be found out about a service. Its JSON form is what
// `status --json` prints, and only grows.
type report struct {
	Name       string         `json:"name"`
	Version    string         `json:"version,omitempty"`
	Trial      string         `json:"trial,omitempty"` // the id of the trial that it is on
	Phase      platform.Phase `json:"phase"`
	PhaseSince time.Time      `json:"phase_since,omitzero"`
	Ready      bool           `json:"ready"`
	PID        int            `json:"pid"`
	StartedAt  *time.Time     `json:"started_at"`
	ReadyAt    *time.Time     `json:"ready_at,omitempty"`
	Uptime     float64        `json:"uptime_s"`
	Exe        string         `json:"exe"`
	User       string         `json:"user,omitempty"`
	StartedBy  string         `json:"started_by,omitempty"` // a manager, or "hand"

	Manager   string         `json:"manager"` // that keeps it, or would
	Scope     platform.Scope `json:"scope"`
	Installed bool           `json:"installed"`
	Enabled   bool           `json:"enabled"`
	AtLogin   bool           `json:"at_login,omitempty"` // and not at boot
	// Definition is what the manager has the service by; null if there is none.
	Definition *platform.Definition `json:"definition"`

	Health   []state.Health    `json:"health,omitempty"`
	Reloads  state.Reloads     `json:"reloads"`
	Restarts int               `json:"restarts"`
	LastExit *platform.Exit    `json:"last_exit"`
	LastRun  *state.Before     `json:"last_run"`
	Next     *platform.NextTry `json:"next_try,omitempty"`
	// GaveUp: it was started again as often as it may, and is not any more by itself.
	GaveUp     bool                `json:"gave_up,omitempty"`
	Log        []string            `json:"log,omitempty"` // of a failed service: its last lines
	Stop       *state.StopProgress `json:"stop,omitempty"`
	Resources  *resources          `json:"resources"`
	StatusText string              `json:"status_text"`

	// Work is what the journal of interrupted work says of itself; absent if the program keeps none.
	Work *recovery.Work `json:"work,omitempty"`

	// Alarms are those that nobody has taken yet, and how the last went; absent if there was never one.
	Alarms *alarm.Report `json:"alarms,omitempty"`

	ConfigFile string `json:"config_file,omitempty"`
	RuntimeDir string `json:"runtime_dir"`
	StateDir   string `json:"state_dir"`
	// Instances are the names of those that there are of a service that is not there
	// by its plain name.
	Instances []string `json:"instances,omitempty"`
	Notes     []string `json:"notes,omitempty"` // what somebody should look at
	// Missing is what its manager does not do for it that others of holdfast's do.
	Missing []string `json:"missing,omitempty"`

	lsb           int
	keeper        int            // the process that keeps this one, which is on trial or was
	configuration string         // in force, for people
	told          bool           // by the running process
	examined      bool           // on trial: its health checks have answered
	again         string         // who is about to start it again; empty: nobody
	supervisor    string         // of ours; empty: there is none
	foreignPhase  platform.Phase // of a service that is not ours
	now           time.Time      // of the examination
	holderErr     error          // of the lock, as it was asked
	said          platform.Status
	saidErr       error // of the manager, as it was asked
}

// LSB's answers of a status action.
const (
	lsbRunning = iota
	lsbDeadPIDFile
	lsbDeadStateLeft
	lsbStopped
	lsbUnknown
)

// examine asks lock, manager, state file, last-run record and operating system,
// each once, and reports what [state.Merge] makes of it.
func (t *target) examine(ctx context.Context) report {
	r, now, h, fileErr := t.merge(ctx)
	switch {
	case !now.Known:
		r.lsb = lsbUnknown
	case now.Running:
		r.running(t, h, now, fileErr)
	default:
		r.dead(t)
	}
	if now.Phase == platform.PhaseUnknown { // whoever it is that runs, nobody knows that it serves
		r.lsb = lsbUnknown
	}
	if now.Phase == platform.PhaseFailed {
		r.Log = t.lastLines(ctx, time.Time{}, nil)
	}
	if now.Again && r.Next == nil {
		text := r.again + " is about to start it again"
		if r.supervisor != "" {
			text += " (" + r.supervisor + ")"
		}
		r.note(text)
	}
	r.onTrial(t)
	if now.Stranger {
		r.note("it was not started by " + r.Manager + ", which has the service installed")
	}
	r.definitions(ctx, t)
	r.lacks(t.manager, t.id, now)
	r.askWork(ctx, t)
	r.askAlarms(ctx, t)
	r.configured(t)
	r.noteBadFile(t.badFile)
	return r
}

// onTrial says that what runs is not confirmed. That it is, the list of versions has a moment
// before the process itself.
func (r *report) onTrial(t *target) {
	if r.Trial == "" {
		return
	}
	if path, err := t.ledger(); err == nil {
		l, err := upgrade.ReadLedger(path)
		if err == nil && l.Last != nil && l.Last.ID == r.Trial && l.Last.Result == upgrade.Confirmed {
			r.Trial = ""
			return
		}
	}
	r.note("this version is on trial, and not confirmed: `versions` tells more")
}

// configured says which configuration file is in force, and which will be.
func (r *report) configured(t *target) {
	r.configuration = t.configuration()
	if t.badManifest != nil {
		r.note(t.badManifest.Error())
	}
	switch {
	case t.badFile != nil:
		if !r.told {
			r.ConfigFile = t.named // that the next start will read
		}
		r.configuration = cmp.Or(r.ConfigFile, r.configuration)
	case r.told && r.ConfigFile != t.cfg.File && t.cfg.File == "":
		r.configuration = r.ConfigFile // these commands were not told
	case r.told && r.ConfigFile != t.cfg.File:
		r.configuration = cmp.Or(r.ConfigFile, "none")
		r.note("it runs with another configuration than these commands read: " + t.configuration())
	default:
		r.ConfigFile = t.cfg.File
	}
}

func (r *report) note(text string) { r.Notes = append(r.Notes, text) }

func (r *report) noteBadFile(err error) {
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrPermission): // the service's user may well
		r.note("not with its configuration, which is not for us to read: " + err.Error())
	default:
		r.note("the next start will fail: " + err.Error())
	}
}

func (r *report) askLock(ctx context.Context, t *target, s *state.Sources) singleton.Holder {
	h, err := t.probe(ctx, t.lock())
	r.holderErr = err
	if s.Lock, err = lockSource(h, err); err != nil {
		r.note(err.Error())
	}
	return h
}

// lockSource is what the lock says by whom it names; the error is why it says nothing.
func lockSource(h singleton.Holder, err error) (state.Lock, error) {
	switch {
	case err == nil && h.Known():
		return state.Lock{Answer: state.LockHeld, Process: h.Identity, Since: h.Since, Origin: h.Origin}, nil
	case err == nil:
		return state.Lock{Answer: state.LockUnnamed}, nil
	case errors.Is(err, singleton.ErrFree):
		return state.Lock{Answer: state.LockFree}, nil
	}
	return state.Lock{}, err
}

func (r *report) askManager(ctx context.Context, t *target, s *state.Sources) {
	if t.manager == nil {
		return
	}
	r.Manager = t.manager.Name()
	st, err := t.query(ctx, t.id)
	if r.said, r.saidErr = st, err; err != nil {
		r.note(err.Error())
		return
	}
	r.Installed, r.Enabled, r.Definition, r.foreignPhase = st.Installed, st.Enabled, st.Definition, cmp.Or(st.Phase, platform.PhaseUnknown)
	if !st.Installed {
		return
	}
	s.Manager, r.Next, r.AtLogin = &st, st.Next, st.AtLogin
	if st.PID == 0 {
		return
	}
	id, err := t.Process(st.PID)
	s.Watched, s.Gone = id, errors.Is(err, proc.ErrGone)
}

func (r *report) readFile(t *target, s *state.Sources) error {
	f, err := state.Read(t.dirs.StateFile(t.id.String()))
	if err == nil {
		s.File = &f
	}
	return err
}

// take reports what is so.
func (r *report) take(now state.Truth) {
	r.Phase, r.PhaseSince, r.Ready, r.PID, r.Exe = now.Phase, now.Since, now.Ready(), now.Process.PID, now.Process.Exe
	r.Restarts, r.LastExit, r.StatusText = now.Restarts, now.LastExit, now.Text
	f := now.File
	if f == nil {
		return
	}
	r.Version = cmp.Or(f.Version, r.Version)
	if !f.ReadyAt.IsZero() {
		r.ReadyAt = &f.ReadyAt
	}
	r.told, r.Trial, r.examined, r.keeper = true, f.Trial, f.Examined, f.Keeper
	r.Health, r.Reloads, r.Stop, r.ConfigFile = f.Health, f.Reloads, f.Stop, f.ConfigFile
	if !now.Stale.IsZero() {
		r.note(fmt.Sprintf("its state file has not been written since %s: what it says of reloads and the like is of then", now.Stale.Local().Format(time.DateTime)))
	}
}

func (r *report) running(t *target, h singleton.Holder, now state.Truth, fileErr error) {
	r.lsb = lsbRunning
	if now.Process.PID == 0 {
		r.note(errUnnamed.Error())
		return
	}
	r.Resources = t.Measure(now.Process.PID)
	trial := now.File != nil && now.File.Trial != ""
	if !h.Known() || h.PID != now.Process.PID {
		return
	}
	program := t.startedFrom(!now.Stranger)
	switch {
	case trial: // a candidate is not what the next start takes
	case t.Gone(cmp.Or(program, h.Exe)):
		r.note(fmt.Sprintf("the program on disk is gone: %s is not there any more, and the next start will fail", cmp.Or(program, h.Exe)))
	case t.Replaced(h, program):
		r.note(newerProgram)
	}
	r.User, r.StartedBy, r.StartedAt = h.User(), h.StartedBy(), &h.Since
	r.Uptime = r.now.Sub(h.Since).Seconds()
	switch {
	case now.File != nil:
	case fileErr != nil: // for a moment of its start that is normal
		r.note(fileErr.Error())
	default:
		r.note("its state file was written by another process")
	}
}

func (r *report) dead(t *target) {
	r.lsb = lsbStopped
	if _, err := os.Lstat(t.dirs.StateFile(t.id.String())); err == nil {
		r.lsb = lsbDeadStateLeft
	}
	if _, err := os.Lstat(t.lock().PIDFile()); err == nil {
		r.lsb = lsbDeadPIDFile
		r.note("it is dead" + t.leftover())
	}
}
