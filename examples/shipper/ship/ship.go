package ship

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

const (
	// MaxLine is the length, with its newline, of the longest line that is
	// shipped. A longer one is passed over whole, and the log says so.
	MaxLine = 1 << 20
	// turnBytes is how much one turn reads, and so nearly all that it holds in
	// memory and that one sync of the output pays for.
	turnBytes = 4 << 20
	// linger is how long a removed file must have been quiet before it is let
	// go: a writer may still have it open.
	linger = 10 * time.Second
)

var (
	// ErrOwnFile means that an input is the output or the checkpoint: what is
	// shipped would be shipped again.
	ErrOwnFile = errors.New("would be shipped into itself")
	// ErrCheckpoint means that there is a checkpoint and it cannot be read. To go
	// on without would ship everything again.
	ErrCheckpoint = errors.New("checkpoint is damaged")
)

// OutputError is a failure to open, write or sync the output.
type OutputError struct {
	Path string
	Err  error
}

func (e *OutputError) Error() string { return fmt.Sprintf("output %q: %v", e.Path, e.Err) }

// Unwrap gives the reason.
func (e *OutputError) Unwrap() error { return e.Err }

// Options say what [Open] opens. Paths are absolute.
type Options struct {
	Selection
	Output     string       // created 0640 if it is not there; its directory must be
	Checkpoint string       // created 0600; the caller's alone
	Log        *slog.Logger // nil: no log
}

// Stats count what has been shipped since Open.
type Stats struct {
	Files int    // that are followed
	Lines uint64 // written to the output
}

// Shipper ships. One goroutine at a time may use it.
type Shipper struct {
	sel        Selection
	checkpoint string
	log        *slog.Logger
	out        *output
	files      []*follower          // in the order in which they were found
	known      map[string]*follower // by identity
	missing    []fileMark           // of the checkpoint, whose files are not found
	unsaved    bool                 // the checkpoint on the disk is out of date

	window []byte // what is read at once; MaxLine, and what a mark needs before it
	batch  []byte // lines that this turn ships
	lines  uint64 // in batch
	next   int    // the file with which the next turn begins
	stats  Stats

	said, saidBefore map[string]string // complaints of this turn and of the one before

	maxLine int
	now     func() time.Time
	reached func(stage) // for tests that crash here
}

// Open brings output and checkpoint into agreement and finds the files. It
// blocks for a few syncs. The error is [ErrOwnFile], [ErrCheckpoint], an
// [*OutputError], or one of the file system about the checkpoint.
//
// Only one process at a time may have an output and a checkpoint open. Open
// relies on its caller for that.
func Open(o Options) (*Shipper, error) { return open(o, func(*Shipper) {}) }

func open(o Options, change func(*Shipper)) (_ *Shipper, err error) {
	s := &Shipper{
		checkpoint: o.Checkpoint, log: o.Log,
		known: make(map[string]*follower), maxLine: MaxLine,
		now: time.Now, reached: func(stage) {},
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	change(s)
	s.window = make([]byte, markBytes+s.maxLine)
	if err := refuse(o.Selection, o.Output, o.Checkpoint); err != nil {
		return nil, err
	}
	saved, err := readCheckpoint(o.Checkpoint)
	if err != nil {
		return nil, err
	}
	if s.out, err = openOutput(o.Output, saved.Output, s.log); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := s.Select(o.Selection); err != nil {
		return nil, err
	}
	s.missing = saved.Files
	s.discover()
	s.locate()
	// Without a checkpoint for the very first batch, it would be shipped twice.
	return s, s.save()
}

// Stats tells what has been done.
func (s *Shipper) Stats() Stats {
	s.stats.Files = 0
	for _, f := range s.files {
		if f.selected {
			s.stats.Files++
		}
	}
	return s.stats
}

// Close closes all files. Everything is durable already.
func (s *Shipper) Close() error {
	for _, f := range s.files {
		_ = f.file.Close() // was only read
	}
	s.files, s.known = nil, nil
	return s.out.file.Close()
}
