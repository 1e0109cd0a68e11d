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
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// LastRun is what is known of the run before this one. The zero value says that
// there was none.
type LastRun struct {
	Process  proc.Identity  `json:"process"`
	Version  string         `json:"version,omitempty"`
	Started  time.Time      `json:"started"`
	Ended    time.Time      `json:"ended,omitzero"` // zero: it was cut off, nobody knows when
	Exit     *platform.Exit `json:"exit,omitempty"` // nil: it was cut off
	Restarts int            `json:"restarts"`       // runs in a row before it that did not end cleanly
	Reboot   bool           `json:"-"`              // the machine was started anew since
	// Seen is how whoever had started it saw it end, where it was cut off; nil: nobody has told.
	Seen *platform.Exit `json:"-"`
}

// Known reports whether there was a run at all.
func (l LastRun) Known() bool { return !l.Started.IsZero() }

// Clean reports whether nothing has to be picked up: the run ended because it was
// asked to and every step of its stop succeeded, or there was none.
func (l LastRun) Clean() bool { return !l.Known() || (l.Exit != nil && l.Exit.Clean) }

// Outcome says in a few words how it ended.
func (l LastRun) Outcome() string {
	switch {
	case !l.Known():
		return "none"
	case l.Exit != nil:
		return l.Exit.Reason
	case l.Seen != nil:
		return l.Seen.Words()
	case l.Reboot:
		return "cut off by the end of the machine's uptime"
	default:
		return "killed or crashed without a trace"
	}
}

// Ending is how it ended: nil if there was no run. Where it was cut off that is what
// was Seen, or an Exit with code -1.
func (l LastRun) Ending() *platform.Exit {
	if l.Known() && l.Exit == nil && l.Seen != nil {
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

// Record is the open record of this run.
type Record struct {
	path string
	run  LastRun
}

// Begin reads the record that the last run left at path and opens that of self,
// the calling process, in its place. A damaged record counts as that of a run which was cut off and
// gives ErrDamaged beside a usable Record. Begin does not wait for the disk:
// call [Record.Sync] when there is time.
func Begin(path string, self proc.Identity, version string) (*Record, LastRun, error) {
	last, damaged := Read(path)
	if damaged != nil && !errors.Is(damaged, ErrDamaged) {
		return nil, LastRun{}, damaged
	}
	last.Reboot = last.Known() && !self.SameBoot(last.Process)
	now := time.Now()
	if damaged != nil {
		last = LastRun{Started: now} // known, and not closed
	}
	r := &Record{path: path, run: LastRun{Process: self, Version: version, Started: now}}
	if !last.Clean() {
		r.run.Restarts = last.Restarts + 1
	}
	if err := r.write(false); err != nil {
		return nil, LastRun{}, err
	}
	return r, last, damaged
}

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

// Close writes how the run ended and waits until that is on the disk.
func (r *Record) Close(exit platform.Exit) error {
	r.run.Ended, r.run.Exit = time.Now(), &exit
	return r.write(true)
}

func (r *Record) write(durable bool) error {
	b, err := json.Marshal(r.run)
	if err == nil {
		err = files.Replace(r.path, append(b, '\n'), 0o644, durable)
	}
	if err != nil {
		return fmt.Errorf("last-run record: %w", err)
	}
	return nil
}
