// Package state is what a running service writes down about itself, and how that
// is joined with what others know of it.
//
// A service keeps one file, NAME.state.json in its runtime directory, by atomic
// replacement. It describes; who is alive, the lock decides. Whoever reads it,
// the service's own command line or a manager's room, does so by this package,
// so that its shape and its name are written down once.
//
// [Merge] is the one place that says which of lock, manager, state file and
// last-run record is believed about what; [AwaitReload] is the one way to wait
// for the outcome of a reload from outside.
package state

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// State is what a running service writes down about itself.
type State struct {
	Name       string         `json:"name"`
	Version    string         `json:"version,omitempty"`
	Process    proc.Identity  `json:"process"`
	Manager    string         `json:"manager,omitempty"` // who started it; empty: a person
	ConfigFile string         `json:"config_file,omitempty"`
	Phase      platform.Phase `json:"phase"`
	PhaseSince time.Time      `json:"phase_since"`
	StartedAt  time.Time      `json:"started_at"`
	ReadyAt    time.Time      `json:"ready_at,omitzero"`
	StatusText string         `json:"status_text,omitempty"`
	Reloads    Reloads        `json:"reloads"`
	Restarts   int            `json:"restarts"`            // since it was last started by hand, as far as the process knows
	LastExit   *platform.Exit `json:"last_exit,omitempty"` // of the run before this one
	LastRun    *Before        `json:"last_run,omitempty"`  // likewise; nil: there was none
	Health     []Health       `json:"health,omitempty"`    // by the order in which the checks were added
	Stop       *StopProgress  `json:"stop,omitempty"`
	// Next is of a supervisor of ours alone: the start that it waits to try. In its file
	// LastExit is how its last child ended, PhaseSince when, and Restarts how often it has started it again.
	Next *platform.NextTry `json:"next_try,omitempty"`
	// GaveUp is of a supervisor alone: it has started it again as often as it may, and has ended.
	GaveUp bool `json:"gave_up,omitempty"`
	// Settings are digests of the settings in force that are not the defaults, by key.
	Settings map[string]string `json:"settings,omitempty"`
	// ProgramSettings are digests of the program's own tables as it has read them, by key. They
	// are in a file of their own, see [ReadProgramSettings].
	ProgramSettings map[string]string `json:"-"`

	// Trial is the id of the trial that the process is on as a candidate (see package
	// installer/trial); empty: it runs the confirmed version.
	Trial string `json:"trial,omitempty"`
	// Examined is of a process on trial alone: each of its health checks has answered.
	Examined bool `json:"examined,omitempty"`
	// Keeper is the number of the process that the manager has for the service while
	// another one is on trial as its child; 0 where that is the process itself.
	Keeper int `json:"keeper,omitempty"`

	// Written is when the file got its content, in what [Read] returns.
	Written time.Time `json:"-"`
}

// Before is what is known of a run that is over. Its keys are not those of a run, so
// that nobody who looks for one finds the other's.
type Before struct {
	How     string    `json:"how"`                       // one of recovery.How
	Outcome string    `json:"outcome"`                   // in a few words
	Change  string    `json:"change,omitempty"`          // "upgraded" or "rolled-back": another version follows it
	Version string    `json:"program_version,omitempty"` // its own
	Term    uint64    `json:"term,omitempty"`            // its number
	PID     int       `json:"process_id,omitempty"`
	Started time.Time `json:"began_at"`
	Ended   time.Time `json:"ended_at,omitzero"` // zero: nobody knows
}

// Ready reports whether the service serves: it is ready, or reloads.
func (s State) Ready() bool { return serves(s.Phase) }

// Reloads counts reloads and tells of the last one that completed.
type Reloads struct {
	Requested uint64 `json:"requested"` // joined ones count once each
	Completed uint64 `json:"completed"` // failed ones too
	Failed    uint64 `json:"failed"`
	LastError string `json:"last_error"`
	// LastStart is when the last completed reload began, by [proc.Monotonic]: it
	// answers the requests that were made before.
	LastStart time.Duration `json:"last_start_ns"`
	LastEnd   time.Time     `json:"last_end,omitzero"`
	// LastTook is how long that one took, and Took all of them together.
	LastTook time.Duration `json:"last_took_ns,omitempty"`
	Took     time.Duration `json:"took_ns,omitempty"`
}

// Health is what a health check said last.
type Health struct {
	Name  string    `json:"name"`
	OK    bool      `json:"ok"`
	Since time.Time `json:"since"` // of the first answer in a row that said so
	Error string    `json:"error,omitempty"`
}

// StopProgress tells how far an ordered stop has come.
type StopProgress struct {
	Reason string     `json:"reason"`
	Steps  []StopStep `json:"steps"`
	Now    string     `json:"now,omitempty"` // the step at work
}

// StopStep is one step of an ordered stop that has ended.
type StopStep struct {
	Name  string        `json:"name"`
	Took  time.Duration `json:"took_ns"`
	Error string        `json:"error,omitempty"`
}

// FileName is the name of the state file of the service id, in its runtime
// directory. Where that directory is one of another system, its own separator
// goes between them.
func FileName(id string) string { return id + ".state.json" }

// Path is the path of the state file of the service id whose runtime directory,
// on this machine, is runtime.
func Path(runtime, id string) string { return filepath.Join(runtime, FileName(id)) }

// Parse reads the content of a state file. A State that comes with an error is zero.
func Parse(content []byte) (State, error) {
	var s State
	if err := files.DecodeJSON(content, &s); err != nil {
		return State{}, fmt.Errorf("state file: %w", err)
	}
	return s, nil
}

// Read reads the state file at path. It never blocks, follows no link and reads
// no more than a megabyte: the directory may be another user's. The error wraps
// fs.ErrNotExist if there is none, and files.ErrUntrusted if it is no regular
// file or has another name.
func Read(path string) (State, error) {
	content, written, err := files.Read(path, files.MaxRecord)
	if err != nil {
		return State{}, fmt.Errorf("state file: %w", err)
	}
	s, err := Parse(content)
	if err != nil {
		return State{}, fmt.Errorf("%s: %w", path, err)
	}
	s.Written = written
	return s, nil
}

// By is Read on the machine that sys reaches, as far as sys is careful.
func By(sys platform.System) func(path string) (State, error) {
	return func(path string) (State, error) {
		content, err := sys.ReadFile(path)
		if err != nil {
			return State{}, fmt.Errorf("state file: %w", err)
		}
		return Parse(content)
	}
}

// Of is Read for the state of the process p: one that another has written is an error.
func Of(path string, p proc.Identity) (State, error) {
	s, err := Read(path)
	if err == nil && !s.Process.Same(p) {
		return State{}, fmt.Errorf("state file %s: it was written by another process (%d)", path, s.Process.PID)
	}
	return s, err
}

// Write replaces the state file at path. The content is whole at every instant,
// and on the disk when the system likes.
func Write(path string, s State) error {
	if err := files.ReplaceJSON(path, s, 0o644, false); err != nil {
		return fmt.Errorf("state file: %w", err)
	}
	return nil
}
