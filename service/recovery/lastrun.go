// Package recovery remembers how a service's last run ended, so that the next
// one knows whether it has to pick up pieces.
//
// A record is opened when a run begins and closed when it has ended in order. A
// record that is found open belongs to a run that was cut off: killed, crashed
// or caught by a power cut. The record survives a reboot.
//
// Limits: one run at a time may use a record; package singleton sees to that.
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

// LastRun is what is known of the run before this one. The zero value says that
// there was none.
type LastRun struct {
	Process  proc.Identity  `json:"process"`
	Version  string         `json:"version,omitempty"`
	Trial    string         `json:"trial,omitempty"` // it was a candidate, and not confirmed: see package installer/trial
	Term     uint64         `json:"term,omitempty"`  // its number, see service.Runtime.Term
	Started  time.Time      `json:"started"`
	Ended    time.Time      `json:"ended,omitzero"`   // zero: it was cut off, nobody knows when
	Exit     *platform.Exit `json:"exit,omitempty"`   // nil: it was cut off
	Forced   bool           `json:"forced,omitempty"` // its stop was
	Restarts int            `json:"restarts"`         // runs in a row before it that did not end cleanly
	Soon     int            `json:"soon,omitempty"`   // of these the last in a row that the next followed within Loop of their start
	// Ready is when it was, if its service wants that to be known: see [Record.Ready].
	Ready time.Time `json:"ready,omitzero"`
	Quick int       `json:"quick,omitempty"` // see [Record.Quick]
	// Steps are those of its ordered stop that had ended when the record was closed.
	Steps []state.StopStep `json:"stop_steps,omitempty"`

	Reboot bool `json:"-"` // the machine was started anew since
	// Elsewhere: it was not closed, and its process still lives: it is another instance, which
	// the lock of the name did not keep out.
	Elsewhere bool `json:"-"`
	// Seen is how whoever had started it saw it end, where it was cut off, or what itself
	// could still say when it crashed; nil: nobody has told.
	Seen *platform.Exit `json:"-"`
	// Change is what became of the program between it and this run.
	Change Change `json:"-"`

	damaged bool // nothing else of it is known
}

// Known reports whether there was a run at all.
func (l LastRun) Known() bool { return !l.Started.IsZero() }

// Clean reports whether nothing has to be picked up: the run ended because it was
// asked to and every step of its stop succeeded, or there was none.
func (l LastRun) Clean() bool { return !l.Known() || (l.Exit != nil && l.Exit.Clean) }

// Ending is how it ended: nil if there was no run. Where it was cut off that is what
// was Seen, or an Exit with code -1.
func (l LastRun) Ending() *platform.Exit {
	if l.Known() && l.Exit == nil && l.Seen != nil && !l.Elsewhere {
		return l.Seen
	}
	if l.Known() && l.Exit == nil {
		return &platform.Exit{Code: -1, Reason: l.Outcome()}
	}
	return l.Exit
}

// ErrDamaged means that what is in the record's place is none: malformed, or a
// link, a FIFO, somebody else's file. The run before is then taken for one that
// was cut off, and the next record replaces what is there.
var ErrDamaged = errors.New("last-run record is damaged")

// Read returns the record at path. If there is none it is the zero LastRun and
// no error. It is read as [files.Read] does: its directory may belong to another
// user, who may have put anything there.
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

// Record is the open record of this run. All methods may be called by any goroutine.
type Record struct {
	path string

	mu  sync.Mutex
	run LastRun
}

// Begin reads the record that the last run left at path and opens that of run, which is
// this process's, in its place: its Process, Version, Trial and Term count. A damaged record
// counts as that of a run which was cut off and gives ErrDamaged beside a usable Record.
// Begin does not wait for the disk: call [Record.Sync] when there is time.
func Begin(path string, run LastRun) (*Record, LastRun, error) {
	last, damaged := Read(path)
	if damaged != nil && !errors.Is(damaged, ErrDamaged) {
		return nil, LastRun{}, damaged
	}
	last = last.SeenFrom(run.Process)
	now := time.Now()
	if damaged != nil {
		last = LastRun{Started: now, damaged: true} // known, and not closed
	}
	last.Change = last.change(run)
	r := &Record{path: path, run: LastRun{Process: run.Process, Version: run.Version, Trial: run.Trial, Term: run.Term, Started: now}}
	if !last.Clean() {
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

// Confirmed has the record say that the run is no trial any more.
func (r *Record) Confirmed() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.run.Exit != nil || r.run.Trial == "" {
		return nil
	}
	r.run.Trial = ""
	return r.write(false)
}

// Loop is how soon after one run the next has to begin for both to count as part of a
// restart loop: restart.window's default.
const Loop = 5 * time.Minute

// Soon counts the runs in a row before this one that did not end cleanly, and that
// the next followed within [Loop].
func (r *Record) Soon() int { return r.run.Soon }

// Stopped has [Record.Close] write down the steps of the stop, the first maxSteps of them.
func (r *Record) Stopped(steps []state.StopStep) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.run.Steps = slices.Clone(steps[:min(len(steps), maxSteps)])
}

// maxSteps keeps the record shorter than [files.MaxRecord].
const maxSteps = 100

// Restarts counts the runs in a row before this one that did not end cleanly.
func (r *Record) Restarts() int { return r.run.Restarts }

// Sync waits until the open record is on the disk, so that a power cut is not
// mistaken for the clean end before it.
func (r *Record) Sync() error {
	f, err := files.Open(r.path, os.O_RDWR, 0) // Windows syncs nothing that cannot be written
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

// ErrSuperseded means that a later run has opened its record in the place of this one's,
// which is left as it is.
var ErrSuperseded = errors.New("the last-run record is a later run's")

// Close writes how the run ended, and whether that was forced, and waits until that is on the disk.
func (r *Record) Close(exit platform.Exit, forced bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if there, err := Read(r.path); err == nil && there.Term > r.run.Term {
		return fmt.Errorf("%w: term %d, and this is %d", ErrSuperseded, there.Term, r.run.Term)
	}
	r.run.Ended, r.run.Exit, r.run.Forced = time.Now(), &exit, forced
	return r.write(true)
}

func (r *Record) write(durable bool) error {
	if err := files.ReplaceJSON(r.path, r.run, 0o644, durable); err != nil {
		return fmt.Errorf("last-run record: %w", err)
	}
	return nil
}
