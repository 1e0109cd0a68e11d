package journal

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// State is where a piece of work stands. A later format may know more of them.
type State string

// The states. Work begins as queued or begun. The last seven are ends: an entry
// leaves them only by hand, interrupted and set-aside ones by a rerun or a release.
const (
	Queued      State = "queued" // to be begun when the program takes it from Next
	Begun       State = "begun"
	Finished    State = "finished"
	Failed      State = "failed" // by itself
	Aborted     State = "aborted"
	TimedOut    State = "timed-out"
	Interrupted State = "interrupted"
	Rerun       State = "rerun"     // it was interrupted, and RerunAs took its place
	SetAside    State = "set-aside" // it was under way in too many crashes
)

// Trigger is what began a piece of work.
type Trigger string

// The triggers.
const (
	Scheduled Trigger = "scheduled"
	Manual    Trigger = "manual"
	API       Trigger = "api"
)

// MaxPayload is how many bytes parameters and checkpoint of an entry have at most, together.
const MaxPayload = 1 << 20

// Work is what a program says of work that it begins.
type Work struct {
	Kind    string  `json:"kind"` // what the program knows it by, a job's name for one
	Trigger Trigger `json:"trigger,omitempty"`
	Params  []byte  `json:"params,omitempty"` // a rerun gets them as they are

	// Key is the idempotency key: unique to the work, and the same in its reruns. Work
	// with a key that is known is not begun again, see ErrKnown. Empty: one is made.
	Key string `json:"key,omitempty"`

	Rerun bool `json:"rerun_if_interrupted,omitempty"` // opted in

	// Lease is how long Worker may stay silent (Journal.Renew), counted by the clock that nobody
	// can set; 0: the work is this process's own. It survives a restart of this process,
	// and is counted anew from then on.
	Lease  time.Duration `json:"lease_ns,omitempty"`
	Worker string        `json:"worker,omitempty"`
}

// Entry is a piece of work as the journal has it.
type Entry struct {
	ID uint64 `json:"id"` // grows; never given twice
	Work
	State   State  `json:"state"`
	Reason  string `json:"reason,omitempty"`  // why it ended so
	Term    uint64 `json:"term"`              // of the run that wrote it last
	Attempt int    `json:"attempt"`           // from 1; a rerun's is one more
	Crashes int    `json:"crashes,omitempty"` // attempts that ended in a crash, since a release by hand
	// Failures counts the attempts that failed by themselves and were tried again.
	Failures int `json:"failures,omitempty"`

	Child      *proc.Identity `json:"child,omitempty"`      // the process that does it
	Checkpoint []byte         `json:"checkpoint,omitempty"` // what was saved last, by this attempt or one before

	RerunOf uint64    `json:"rerun_of,omitempty"`
	RerunAs uint64    `json:"rerun_as,omitempty"`
	Begun   time.Time `json:"begun,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
}

// open reports whether there is still something to come of it.
func (e Entry) open() bool { return e.State == Queued || e.State == Begun || e.State == SetAside }

// ErrDamaged means that what the journal has is not what was written.
var ErrDamaged = errors.New("journal is damaged")

// The layout of an entry: a byte for the layout itself, a checksum of the rest, JSON.
const (
	entryLayout = 1
	entryHeader = 1 + crc32.Size
)

// stored is an entry as it is in a store. Its times are numbers: what a time says of itself
// is what most of the work of writing an entry down would go into.
type stored struct {
	Entry
	Begun int64 `json:"begun,omitempty"` // in ns since 1970; in place of the entry's own
	Ended int64 `json:"ended,omitempty"`
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func since1970(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}

func encode(e Entry) ([]byte, error) {
	text, err := json.Marshal(stored{e, nanos(e.Begun), nanos(e.Ended)})
	if err != nil {
		return nil, fmt.Errorf("entry %d: %w", e.ID, err)
	}
	b := make([]byte, entryHeader, entryHeader+len(text))
	b[0] = entryLayout
	binary.BigEndian.PutUint32(b[1:], crc32.Checksum(text, crc32.MakeTable(crc32.Castagnoli)))
	return append(b, text...), nil
}

func decode(id uint64, b []byte) (Entry, error) {
	if len(b) < entryHeader || b[0] != entryLayout {
		return Entry{}, fmt.Errorf("entry %d: %w: not a layout that is known", id, ErrDamaged)
	}
	text := b[entryHeader:]
	if binary.BigEndian.Uint32(b[1:]) != crc32.Checksum(text, crc32.MakeTable(crc32.Castagnoli)) {
		return Entry{}, fmt.Errorf("entry %d: %w: its checksum is another", id, ErrDamaged)
	}
	var s stored
	if err := json.Unmarshal(text, &s); err != nil || s.ID != id {
		return Entry{}, fmt.Errorf("entry %d: %w: it is no entry of that number", id, ErrDamaged)
	}
	s.Entry.Begun, s.Entry.Ended = since1970(s.Begun), since1970(s.Ended)
	return s.Entry, nil
}

// key is the number of an entry, or any other, in a store: numbers sort as they count.
func key(id uint64) []byte { return binary.BigEndian.AppendUint64(nil, id) }

// number is the reverse of key; 0 for what is none.
func number(b []byte) uint64 {
	if len(b) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}
