package alarm

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// A Note is a message with which another process makes the running service raise an alarm. A
// refused second instance and `alarm test` leave notes.
type Note struct {
	ID    string    `json:"id,omitempty"`
	Kind  Kind      `json:"kind"`
	Text  string    `json:"text"`
	Count int       `json:"count"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
}

const (
	maxNote   = 16 << 10
	noteEvery = time.Second // shortest interval between two looks for notes
)

// Changes reports changes in the directory where notes are left.
type Changes interface {
	// Arm has the next change reported by Told. An error means that changes may go unnoticed.
	Arm() error
	Told() <-chan struct{}
	Close()
}

// unseen stands for a system that reports no changes.
type unseen struct{}

func (unseen) Arm() error            { return errors.ErrUnsupported }
func (unseen) Told() <-chan struct{} { return nil }
func (unseen) Close()                {}

func noted() []Kind { return []Kind{SecondInstance, Test} }

func noteFile(queue string, kind Kind) string { return queue + "." + string(kind) }

// Leave leaves n for the running service whose queue is at file. It replaces a note of the
// same kind that the service has not read yet, and adds its count to n. If two processes leave
// a note at the same moment, one of them may fail or not be counted.
func Leave(file string, n Note) error {
	path := noteFile(file, n.Kind)
	if old, err := readNote(path); err == nil && old.Kind == n.Kind {
		n.Count += old.Count
		if old.First.Before(n.First) {
			n.First = old.First
		}
	}
	if err := files.ReplaceJSON(path, n, 0o644, false); err != nil {
		return fmt.Errorf("leave a note for the running service: %w", err)
	}
	return nil
}

func readNote(path string) (*Note, error) {
	content, _, err := files.Read(path, maxNote)
	if err != nil {
		return nil, err
	}
	var n Note
	if err := files.DecodeJSON(content, &n); err != nil {
		return nil, err
	}
	n.Count = max(1, n.Count)
	return &n, nil
}

// takeNote removes and returns a note, or returns nil if there is none. It removes the file
// even if it is no valid note.
func takeNote(path string) (*Note, error) {
	taken := path + ".taken"
	err := files.Rename(path, taken)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	n, err := readNote(taken)
	return n, errors.Join(err, files.RemoveTree(taken))
}

// takeNotes raises the alarms of the notes.
func (d *Desk) takeNotes() {
	for _, kind := range noted() {
		n, err := d.o.system.take(noteFile(d.o.File, kind))
		switch {
		case err != nil:
			d.o.Log.Warn("a note for the alarms cannot be used", "kind", kind, "error", err)
		case n == nil || n.Kind != kind || !d.inForce().tells(kind):
		default:
			e := d.event(kind, "", n.Text)
			e.ID, e.Count = plain(n.ID, maxSubject), n.Count
			if !n.First.IsZero() && !n.Last.IsZero() {
				e.First, e.Last = n.First, n.Last
			}
			d.put(e)
		}
	}
}
