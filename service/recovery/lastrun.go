// Package recovery records how a service's last run ended, so that the next run knows whether
// it has to recover.
//
// A record is opened when a run begins, and closed when it has ended in order. A record that
// is found open belongs to a run that was cut off: killed, crashed or caught by a power cut.
// The record survives a reboot.
//
// Only one run at a time may use a record; package singleton ensures that.
package recovery

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// LastRun describes the previous run. The zero value means that there was none.
type LastRun struct {
	Process  proc.Identity  `json:"process"`
	Parent   int            `json:"parent,omitempty"` // PID of the process that has started it; 0: not known
	Version  string         `json:"version,omitempty"`
	Trial    string         `json:"trial,omitempty"` // id of its trial if it was an unconfirmed candidate: see package installer/trial
	Term     uint64         `json:"term,omitempty"`  // its number on this machine: see service.Runtime.Term
	Token    uint64         `json:"token,omitempty"` // of the term for which it was elected among several machines
	Started  time.Time      `json:"started"`
	Ended    time.Time      `json:"ended,omitzero"`   // zero: it was cut off at an unknown time
	Exit     *platform.Exit `json:"exit,omitempty"`   // nil: it was cut off
	Forced   bool           `json:"forced,omitempty"` // its stop was forced
	Owing    bool           `json:"owing,omitempty"`  // it ended in order, but before the program could recover from the run before it
	Restarts int            `json:"restarts"`         // number of runs just before it that did not end cleanly
	Soon     int            `json:"soon,omitempty"`   // number of the latest of these that were followed within Loop of their start
	// Ready is the time when the run became ready, if its service records that: see
	// [Record.Ready].
	Ready time.Time `json:"ready,omitzero"`
	Quick int       `json:"quick,omitempty"` // see [Record.Quick]
	// Steps are the steps of its ordered stop that had ended when the record was closed.
	Steps []state.StopStep `json:"stop_steps,omitempty"`

	Reboot bool `json:"-"` // the machine was rebooted since
	// Elsewhere means that the record was not closed and that the process is still alive. It
	// is another instance, which the lock of the name has not kept out.
	Elsewhere bool `json:"-"`
	// Seen is how a run that was cut off ended according to the process that had started it,
	// or to the run's own crash report. Nil: unknown.
	Seen *platform.Exit `json:"-"`
	// Change is the change of the program from that run to this one.
	Change Change `json:"-"`

	damaged bool // nothing else is known
}

// Known reports whether there was a run at all.
func (l LastRun) Known() bool { return !l.Started.IsZero() }

// Clean reports whether there is nothing to recover: the run ended by a requested stop in
// which every step succeeded and is not Owing, or there was none.
func (l LastRun) Clean() bool { return l.inOrder() && !l.Owing }

func (l LastRun) inOrder() bool { return !l.Known() || (l.Exit != nil && l.Exit.Clean) }

// Ending returns how the run ended, or nil if there was none. If the run was cut off, that is
// Seen, or else an Exit with code -1.
func (l LastRun) Ending() *platform.Exit {
	if l.Known() && l.Exit == nil && l.Seen != nil && !l.Elsewhere {
		return l.Seen
	}
	if l.Known() && l.Exit == nil {
		return &platform.Exit{Code: -1, Reason: l.Outcome()}
	}
	return l.Exit
}

// ErrDamaged means that the file is no record: it is malformed, a link, a FIFO or somebody
// else's file. The previous run then counts as cut off, and the next record replaces the file.
var ErrDamaged = errors.New("last-run record is damaged")

// Read returns the record at path, or the zero LastRun if there is none. It reads like
// [files.Read], because the directory may belong to another user, who may have put anything
// there.
func Read(path string) (LastRun, error) {
	content, _, err := files.Read(path, files.MaxRecord)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return LastRun{}, nil
	case errors.Is(err, files.ErrMalformed), errors.Is(err, files.ErrUntrusted):
		return LastRun{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	case err != nil:
		return LastRun{}, fmt.Errorf("last-run record: %w", err)
	}
	var last LastRun
	if err := files.DecodeJSON(content, &last); err != nil {
		return LastRun{}, fmt.Errorf("%s: %w: %w", path, ErrDamaged, err)
	}
	return last, nil
}

// A Record is the open record of this run. All methods are safe for concurrent use.
type Record struct {
	path string

	mu   sync.Mutex
	run  LastRun
	owes bool // see Owes
}

// Begin reads the record of the last run at path, and replaces it by an open record of run,
// which is this process. Only Process, Parent, Version, Trial and Term of run are used. A damaged
// record counts as that of a run that was cut off; Begin then returns ErrDamaged and a usable
// Record. Begin does not wait for the disk: call [Record.Sync] when there is time.
func Begin(path string, run LastRun) (*Record, LastRun, error) {
	last, damaged := Read(path)
	return BeginAfter(path, last, damaged, run)
}

// BeginAfter is Begin for a caller that has read the record already: last and damaged are what
// [Read] returned.
func BeginAfter(path string, last LastRun, damaged error, run LastRun) (*Record, LastRun, error) {
	if damaged != nil && !errors.Is(damaged, ErrDamaged) {
		return nil, LastRun{}, damaged
	}
	last = last.SeenFrom(run.Process)
	now := time.Now()
	if damaged != nil {
		last = LastRun{Started: now, damaged: true} // a run that was not closed
	}
	last.Change = last.change(run)
	r := &Record{path: path, run: LastRun{Process: run.Process, Parent: run.Parent, Version: run.Version, Trial: run.Trial, Term: run.Term, Started: now}}
	if !last.inOrder() {
		r.run.Restarts = last.Restarts + 1
		if now.Sub(last.Started) < Loop {
			r.run.Soon = last.Soon + 1
		}
	}
	if err := r.write(false); err != nil {
		return nil, LastRun{}, err
	}
	return r, last, damaged
}

// Confirmed records that the run is no longer on trial.
func (r *Record) Confirmed() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.run.Exit != nil || r.run.Trial == "" {
		return nil
	}
	r.run.Trial = ""
	return r.write(false)
}

// Loop is the time after the start of a run within which the next one has to begin for both to
// count as part of a restart loop. It is the default of restart.window.
const Loop = 5 * time.Minute

// Soon returns the number of runs just before this one that did not end cleanly and were
// followed within [Loop].
func (r *Record) Soon() int { return r.run.Soon }

// Stopped sets the steps of the stop that [Record.Close] writes, at most maxSteps of them.
func (r *Record) Stopped(steps []state.StopStep) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.run.Steps = slices.Clone(steps[:min(len(steps), maxSteps)])
}

// Owes makes [Record.Close] write that the program could not recover from the run before.
func (r *Record) Owes() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.owes = true
}

// maxSteps keeps the record shorter than [files.MaxRecord].
const maxSteps = 100

// Restarts returns the number of runs just before this one that did not end cleanly.
func (r *Record) Restarts() int { return r.run.Restarts }

// Sync blocks until the open record is on disk. Without it, a power cut may leave the previous
// record, which may say that the run ended cleanly.
func (r *Record) Sync() error {
	f, err := files.Open(r.path, os.O_RDWR, 0) // Windows syncs only writable files
	if err != nil {
		return fmt.Errorf("last-run record: %w", err)
	}
	err = f.Sync()
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("last-run record: %w", err)
	}
	return nil
}

// ErrSuperseded means that a later run has replaced the record. Its record is left unchanged.
var ErrSuperseded = errors.New("the last-run record belongs to a later run")

// Close records how the run ended, and whether that was forced. It blocks until the record is
// on disk.
func (r *Record) Close(exit platform.Exit, forced bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if there, err := Read(r.path); err == nil && there.Term > r.run.Term {
		return fmt.Errorf("%w: term %d, and this is %d", ErrSuperseded, there.Term, r.run.Term)
	}
	r.run.Ended, r.run.Exit, r.run.Forced, r.run.Owing = time.Now(), &exit, forced, r.owes && exit.Clean
	return r.write(true)
}

func (r *Record) write(durable bool) error {
	if err := files.ReplaceJSON(r.path, r.run, 0o644, durable); err != nil {
		return fmt.Errorf("last-run record: %w", err)
	}
	return nil
}
