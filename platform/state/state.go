// Package state defines what a running service writes down about itself, and combines that
// with what other sources know.
//
// A service has one state file, NAME.state.json in its runtime directory, which it replaces
// atomically. The file only describes the service; the lock decides whether it is alive.
// Everybody who reads the file, the service's own command line or a manager's room, uses this
// package, so that its name and format are defined once.
//
// [Merge] decides which of lock, manager, state file and last-run record is believed about
// what. [AwaitReload] waits for the outcome of a reload from outside.
package state

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// A State is what a running service writes down about itself.
type State struct {
	Name       string         `json:"name"`
	Version    string         `json:"version,omitempty"`
	Process    proc.Identity  `json:"process"`
	Manager    string         `json:"manager,omitempty"` // that started it; empty: a person
	ConfigFile string         `json:"config_file,omitempty"`
	Phase      platform.Phase `json:"phase"`
	PhaseSince time.Time      `json:"phase_since"`
	StartedAt  time.Time      `json:"started_at"`
	ReadyAt    time.Time      `json:"ready_at,omitzero"`
	StatusText string         `json:"status_text,omitempty"`
	Reloads    Reloads        `json:"reloads"`
	Restarts   int            `json:"restarts"`            // since the last start by hand, as far as the process knows
	LastExit   *platform.Exit `json:"last_exit,omitempty"` // of the previous run
	LastRun    *Before        `json:"last_run,omitempty"`  // the previous run; nil: there was none
	Health     []Health       `json:"health,omitempty"`    // in the order in which the checks were added
	Stop       *StopProgress  `json:"stop,omitempty"`
	// Cluster is only set in a service with a cluster.
	Cluster *Cluster `json:"cluster,omitempty"`
	// Sockets are those of [[service.socket]] that the process has open.
	Sockets []Socket `json:"sockets,omitempty"`
	// Next is only set by a supervisor of ours: the start for which it waits. In a
	// supervisor's file, LastExit is how its last child ended, PhaseSince is when, and
	// Restarts is how often it has restarted the service.
	Next *platform.NextTry `json:"next_try,omitempty"`
	// GaveUp is only set by a supervisor: it has reached its restart limit, and has ended.
	GaveUp bool `json:"gave_up,omitempty"`
	// Settings has digests, by key, of the settings in force that are not the defaults.
	Settings map[string]string `json:"settings,omitempty"`
	// ProgramSettings has digests, by key, of the program's own tables as it has read them.
	// They are in a separate file: see [ReadProgramSettings].
	ProgramSettings map[string]string `json:"-"`

	// Trial is the id of the trial in which this process is the candidate (see package
	// installer/trial). It is empty in the confirmed version.
	Trial string `json:"trial,omitempty"`
	// Examined is only set during a trial: each health check has answered.
	Examined bool `json:"examined,omitempty"`
	// Keeper is the PID of the process that the manager takes for the service while the
	// candidate runs as its child. It is 0 if the manager has started this process itself.
	Keeper int `json:"keeper,omitempty"`

	// Written is when the file was written, in what [Read] returns.
	Written time.Time `json:"-"`
}

// The roles of an instance in a [Cluster].
const (
	RoleStandby = "standby"
	RoleLeader  = "leader"
)

// A Cluster describes the part of this instance in the election among several machines.
type Cluster struct {
	Name  string    `json:"name"` // what the instances compete for
	Role  string    `json:"role"`
	Since time.Time `json:"since"`
	Term  uint64    `json:"term,omitempty"` // the token of the leader's term
	Text  string    `json:"text,omitempty"` // what the engine last told
}

// Before describes a run that is over. Its keys differ from those of a State, so that a
// search for one does not find the other.
type Before struct {
	How     string    `json:"how"`                       // a recovery.How
	Outcome string    `json:"outcome"`                   // in a few words
	Change  string    `json:"change,omitempty"`          // "upgraded" or "rolled-back": the next run is another version
	Version string    `json:"program_version,omitempty"` // version of that run
	Term    uint64    `json:"term,omitempty"`            // number of that run
	PID     int       `json:"process_id,omitempty"`
	Started time.Time `json:"began_at"`
	Ended   time.Time `json:"ended_at,omitzero"` // zero: unknown
}

// Ready reports whether the service serves: it is ready or reloading.
func (s State) Ready() bool { return serves(s.Phase) }

// Reloads counts reloads and describes the last one that completed.
type Reloads struct {
	Requested uint64 `json:"requested"` // each of several merged requests counts
	Completed uint64 `json:"completed"` // includes failed ones
	Failed    uint64 `json:"failed"`
	LastError string `json:"last_error"`
	// LastStart is when the last completed reload began, by [proc.Monotonic]. It answers all
	// requests that were made before.
	LastStart time.Duration `json:"last_start_ns"`
	LastEnd   time.Time     `json:"last_end,omitzero"`
	// LastTook is the duration of the last reload, and Took that of all together.
	LastTook time.Duration `json:"last_took_ns,omitempty"`
	Took     time.Duration `json:"took_ns,omitempty"`
}

// Health is the latest result of a health check.
type Health struct {
	Name  string    `json:"name"`
	OK    bool      `json:"ok"`
	Since time.Time `json:"since"` // time of the first of the consecutive equal results
	Error string    `json:"error,omitempty"`
}

// A StopProgress says how far an ordered stop has come.
type StopProgress struct {
	Reason string     `json:"reason"`
	Steps  []StopStep `json:"steps"`
	Now    string     `json:"now,omitempty"` // the current step
}

// A StopStep is a finished step of an ordered stop.
type StopStep struct {
	Name  string        `json:"name"`
	Took  time.Duration `json:"took_ns"`
	Error string        `json:"error,omitempty"`
}

// A Socket is a socket at which a service listens.
type Socket struct {
	Name    string `json:"name"`
	Listen  string `json:"listen"`  // as it is configured: "tcp:127.0.0.1:0"
	Address string `json:"address"` // with the port that the system has chosen
	// KeptBy says who keeps it open while the service restarts: "systemd" or "supervisor". It
	// is empty if nobody does.
	KeptBy string `json:"kept_by,omitempty"`
}

// FileName returns the name of the state file of service id in its runtime directory. For
// another system's directory, join them with that system's separator.
func FileName(id string) string { return id + ".state.json" }

// Path returns the path of the state file of service id with runtime directory runtime, on
// this machine.
func Path(runtime, id string) string { return filepath.Join(runtime, FileName(id)) }

// Parse decodes the content of a state file. With an error the State is zero.
func Parse(content []byte) (State, error) {
	var s State
	if err := files.DecodeJSON(content, &s); err != nil {
		return State{}, fmt.Errorf("state file: %w", err)
	}
	return s, nil
}

// Read reads the state file at path. Since another user may control the directory, Read never
// blocks, does not follow links and reads at most a megabyte. The error wraps fs.ErrNotExist
// if there is no file, and files.ErrUntrusted if it is not a regular file or has several hard
// links.
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

// By returns a Read for the machine sys. It is as careful as sys is.
func By(sys platform.System) func(path string) (State, error) {
	return func(path string) (State, error) {
		content, err := sys.ReadFile(path)
		if err != nil {
			return State{}, fmt.Errorf("state file: %w", err)
		}
		return Parse(content)
	}
}

// Of reads the state of process p. If another process has written the file, that is an error.
func Of(path string, p proc.Identity) (State, error) {
	s, err := Read(path)
	if err == nil && !s.Process.Same(p) {
		return State{}, fmt.Errorf("state file %s: it was written by another process (%d)", path, s.Process.PID)
	}
	return s, err
}

// Write replaces the state file at path atomically. The content is not necessarily on disk
// when it returns.
func Write(path string, s State) error {
	content, err := encode(&s)
	if err == nil {
		err = files.Replace(path, append(content, '\n'), 0o644, false)
	}
	if err != nil {
		return fmt.Errorf("state file: %w", err)
	}
	return nil
}
