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
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/alarm"
	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/singleton"
)

// A report is everything that can be found out about a service. Its JSON form is the output of
// `status --json`. Fields are only ever added to it.
type report struct {
	Name       string         `json:"name"`
	Version    string         `json:"version,omitempty"`
	Trial      string         `json:"trial,omitempty"` // the id of the current trial
	Phase      platform.Phase `json:"phase"`
	PhaseSince time.Time      `json:"phase_since,omitzero"`
	Ready      bool           `json:"ready"`
	PID        int            `json:"pid"`
	StartedAt  *time.Time     `json:"started_at"`
	ReadyAt    *time.Time     `json:"ready_at,omitempty"`
	Uptime     float64        `json:"uptime_s"`
	Exe        string         `json:"exe"`
	User       string         `json:"user,omitempty"`
	StartedBy  string         `json:"started_by,omitempty"` // a manager or "hand"

	Manager   string         `json:"manager"` // that has the service, or would have it
	Scope     platform.Scope `json:"scope"`
	Installed bool           `json:"installed"`
	Enabled   bool           `json:"enabled"`
	AtLogin   bool           `json:"at_login,omitempty"` // and not at boot
	// Trigger is about the units that start the service for a connection; absent: none does.
	Trigger *platform.Trigger `json:"trigger,omitempty"`
	// Definition is the manager's definition of the service; null: there is none.
	Definition *platform.Definition `json:"definition"`

	// Cluster is the part of this instance in the election among several machines; absent: it
	// takes no part.
	Cluster  *state.Cluster    `json:"cluster,omitempty"`
	Health   []state.Health    `json:"health,omitempty"`
	Sockets  []state.Socket    `json:"sockets,omitempty"`
	Reloads  state.Reloads     `json:"reloads"`
	Restarts int               `json:"restarts"`
	LastExit *platform.Exit    `json:"last_exit"`
	LastRun  *state.Before     `json:"last_run"`
	Next     *platform.NextTry `json:"next_try,omitempty"`
	// GaveUp means that the service was restarted as often as allowed, and is not restarted
	// any more.
	GaveUp     bool                `json:"gave_up,omitempty"`
	Log        []string            `json:"log,omitempty"` // the last lines, if the service has failed
	Stop       *state.StopProgress `json:"stop,omitempty"`
	Resources  *resources          `json:"resources"`
	StatusText string              `json:"status_text"`

	// Work is the summary of the journal of interrupted work; absent if the program has none.
	Work *recovery.Work `json:"work,omitempty"`

	// Alarms are the alarms that nobody has taken yet, and the outcome of the last one; absent
	// if there was never one.
	Alarms *alarm.Report `json:"alarms,omitempty"`

	ConfigFile string `json:"config_file,omitempty"`
	RuntimeDir string `json:"runtime_dir"`
	StateDir   string `json:"state_dir"`
	// Instances are the names of the existing instances, if the service does not exist under
	// its plain name.
	Instances []string `json:"instances,omitempty"`
	Notes     []string `json:"notes,omitempty"` // what people should look at
	// Missing is what this manager does not do for the service and other managers do.
	Missing []string `json:"missing,omitempty"`

	lsb           int
	keeper        int            // the parent process, if this one is or was on trial
	configuration string         // the file in force, for people
	told          bool           // the running process has reported its state
	examined      bool           // of a candidate: its health checks have answered
	behind        bool           // the manager has not noticed yet that the process has ended
	again         string         // who is about to restart it; empty: nobody
	supervisor    string         // our supervisor; empty: there is none
	foreignPhase  platform.Phase // of a service that is not ours
	now           time.Time      // the time of the examination
	holderErr     error          // the answer of the lock
	said          platform.Status
	saidErr       error // the answer of the manager
}

// These are the exit codes of a status action in LSB.
const (
	lsbRunning = iota
	lsbDeadPIDFile
	lsbDeadStateLeft
	lsbStopped
	lsbUnknown
)

// examine asks lock, manager, state file, last-run record and operating system, each once. It
// reports the result of [state.Merge].
func (t *target) examine(ctx context.Context) report {
	ctx = native.Look(ctx)
	r, now := t.stands(ctx)
	r.definitions(ctx, t)
	r.lacks(t.manager, t.id, now)
	r.askWork(ctx, t)
	r.askAlarms(ctx, t)
	r.configured(t)
	r.noteBadFile(t.badFile)
	return r
}

// stands is the part of examine that changes while the service starts, runs and stops.
func (t *target) stands(ctx context.Context) (report, state.Truth) {
	r, now, h, fileErr := t.merge(ctx)
	switch {
	case !now.Known:
		r.lsb = lsbUnknown
	case now.Running:
		r.running(t, h, now, fileErr)
	default:
		r.dead(t)
	}
	if now.Phase == platform.PhaseUnknown { // something runs, but it is not known whether it serves
		r.lsb = lsbUnknown
	}
	if now.Phase == platform.PhaseFailed {
		r.Log = t.lastLines(ctx, time.Time{}, nil)
	}
	if now.Again && r.Next == nil {
		text := r.again + " is about to restart it"
		if r.supervisor != "" {
			text += " (" + r.supervisor + ")"
		}
		r.note(text)
	}
	r.onTrial(t)
	if now.Stranger {
		r.note("it was not started by " + r.Manager + ", which has the service installed")
	}
	return r, now
}

// onTrial records that the running version is not confirmed. The list of versions knows of a
// confirmation slightly earlier than the process itself.
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
	r.note("this version is on trial, not confirmed: `versions` shows more")
}

// configured records which configuration file is in force, and which will be.
func (r *report) configured(t *target) {
	r.configuration = t.configuration()
	if t.badManifest != nil {
		r.note(t.badManifest.Error())
	}
	switch {
	case t.badFile != nil:
		if !r.told {
			r.ConfigFile = t.named // the next start will read it
		}
		r.configuration = cmp.Or(r.ConfigFile, r.configuration)
	case r.told && r.ConfigFile != t.cfg.File && t.cfg.File == "":
		r.configuration = r.ConfigFile // these commands have no file
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
	case errors.Is(err, fs.ErrPermission): // the service's user may be able to read it
		r.note("status without the configuration, which you may not read: " + err.Error())
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

// lockSource returns what the lock says. The error says why it says nothing.
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
	s.Manager, r.Next, r.AtLogin, r.Trigger = &st, st.Next, st.AtLogin, st.Trigger
	if st.PID == 0 {
		return
	}
	id, err := t.Process(st.PID)
	s.Watched, s.Gone = id, errors.Is(err, proc.ErrGone)
	r.behind = s.Gone
}

func (r *report) readFile(t *target, s *state.Sources) error {
	f, err := state.Read(t.dirs.StateFile(t.id.String()))
	if err == nil {
		s.File = &f
	}
	return err
}

// take copies the merged state into the report.
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
	r.Sockets, r.Cluster = f.Sockets, f.Cluster
	if !now.Stale.IsZero() {
		r.note(fmt.Sprintf("its state file was last written at %s: reloads and other details may be out of date", now.Stale.Local().Format(time.DateTime)))
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
	case trial: // the next start does not run the candidate
	case t.Gone(cmp.Or(program, h.Exe)):
		r.note(fmt.Sprintf("the program on disk is gone: %s no longer exists, and the next start will fail", cmp.Or(program, h.Exe)))
	case t.Replaced(h, program):
		r.note(newerProgram)
	}
	r.User, r.StartedBy, r.StartedAt = h.User(), h.StartedBy(), &h.Since
	r.Uptime = r.now.Sub(h.Since).Seconds()
	switch {
	case now.File != nil:
	case now.Phase == platform.PhaseStopping && errors.Is(fileErr, fs.ErrNotExist): // it has just removed its file
	case fileErr != nil: // this is normal for a moment at the start
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
