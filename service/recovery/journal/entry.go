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

// State is the state of a piece of work. Later formats may add values.
type State string

// The states. Work begins as queued or begun. The last seven are final: an entry
// leaves interrupted and set-aside only by hand, by a rerun or a release.
const (
	Queued      State = "queued" // waits until Next returns it
	Begun       State = "begun"
	Finished    State = "finished"
	Failed      State = "failed" // by itself
	Aborted     State = "aborted"
	TimedOut    State = "timed-out"
	Interrupted State = "interrupted"
	Rerun       State = "rerun"     // interrupted and replaced by RerunAs
	SetAside    State = "set-aside" // in progress in too many crashes
)

// Trigger is the reason why a piece of work began.
type Trigger string

// The triggers.
const (
	Scheduled Trigger = "scheduled"
	Manual    Trigger = "manual"
	API       Trigger = "api"
)

// MaxPayload limits the parameters and the checkpoint of an entry together, in bytes.
const MaxPayload = 1 << 20

// Work describes a piece of work that a program begins.
type Work struct {
	Kind    string  `json:"kind"` // the program's own name for it, such as the name of a job
	Trigger Trigger `json:"trigger,omitempty"`
	Params  []byte  `json:"params,omitempty"` // passed unchanged to a rerun

	// Key is the idempotency key. It is unique to the work, and the same in its reruns. Work
	// with a known key is not begun again: see ErrKnown. Empty: the journal makes one.
	Key string `json:"key,omitempty"`

	Rerun bool `json:"rerun_if_interrupted,omitempty"` // run again if interrupted

	// Lease limits how long Worker may stay silent (Journal.Renew), by the monotonic clock. 0:
	// the work belongs to this process itself. A lease survives a restart of this process, and
	// then begins anew.
	Lease  time.Duration `json:"lease_ns,omitempty"`
	Worker string        `json:"worker,omitempty"`
}

// An Entry is a piece of work in the journal.
type Entry struct {
	ID uint64 `json:"id"` // ascending and unique
	Work
	State   State  `json:"state"`
	Reason  string `json:"reason,omitempty"`  // why it ended this way
	Term    uint64 `json:"term"`              // of the run that wrote it last
	Attempt int    `json:"attempt"`           // starts at 1; a rerun has the next number
	Crashes int    `json:"crashes,omitempty"` // attempts that ended in a crash since the last release by hand
	// Failures counts the attempts that failed by themselves and were retried.
	Failures int `json:"failures,omitempty"`

	Child      *proc.Identity `json:"child,omitempty"`      // the process that does the work
	Checkpoint []byte         `json:"checkpoint,omitempty"` // saved last, by this attempt or an earlier one

	RerunOf uint64    `json:"rerun_of,omitempty"`
	RerunAs uint64    `json:"rerun_as,omitempty"`
	Begun   time.Time `json:"begun,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
}

// open reports whether the work may still run.
func (e Entry) open() bool { return e.State == Queued || e.State == Begun || e.State == SetAside }

// ErrDamaged means that the journal's content is not what was written.
var ErrDamaged = errors.New("journal is damaged")

// An entry in a store consists of a byte for the layout, a checksum of the rest, and JSON.
const (
	entryLayout = 1
	entryHeader = 1 + crc32.Size
)

// A stored is an entry in a store. Its times are numbers, because encoding a time.Time would
// be most of the work of encoding an entry.
type stored struct {
	Entry
	Begun int64 `json:"begun,omitempty"` // in ns since 1970; replaces the entry's own field
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
		return Entry{}, fmt.Errorf("entry %d: %w: its layout is unknown", id, ErrDamaged)
	}
	text := b[entryHeader:]
	if binary.BigEndian.Uint32(b[1:]) != crc32.Checksum(text, crc32.MakeTable(crc32.Castagnoli)) {
		return Entry{}, fmt.Errorf("entry %d: %w: its checksum is wrong", id, ErrDamaged)
	}
	var s stored
	if err := json.Unmarshal(text, &s); err != nil || s.ID != id {
		return Entry{}, fmt.Errorf("entry %d: %w: it has another number", id, ErrDamaged)
	}
	s.Entry.Begun, s.Entry.Ended = since1970(s.Begun), since1970(s.Ended)
	return s.Entry, nil
}

// key returns a number as a key in a store, where keys sort in numerical order.
func key(id uint64) []byte { return binary.BigEndian.AppendUint64(nil, id) }

// number is the inverse of key. It returns 0 if b is no number.
func number(b []byte) uint64 {
	if len(b) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}
