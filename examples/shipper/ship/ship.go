package ship

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

const (
	// MaxLine is the length, with its newline, of the longest line that is shipped. A longer
	// line is skipped, and the log says so.
	MaxLine = 1 << 20
	// turnBytes limits how much one turn reads. It is nearly all that the shipper keeps in
	// memory, and what one sync of the output covers.
	turnBytes = 4 << 20
	// linger is how long a removed file must not have changed before it is dropped. A writer
	// may still have it open.
	linger = 10 * time.Second
)

var (
	// ErrOwnFile means that an input is the output or the checkpoint, so that shipped lines
	// would be shipped again.
	ErrOwnFile = errors.New("would be shipped into itself")
	// ErrCheckpoint means that the checkpoint exists but cannot be read. Continuing without it
	// would ship everything again.
	ErrCheckpoint = errors.New("checkpoint is damaged")
)

// OutputError is a failure to open, write or sync the output.
type OutputError struct {
	Path string
	Err  error
}

func (e *OutputError) Error() string { return fmt.Sprintf("output %q: %v", e.Path, e.Err) }

// Unwrap returns the reason.
func (e *OutputError) Unwrap() error { return e.Err }

// Options configure [Open]. Paths are absolute.
type Options struct {
	Selection
	Output     string       // created with mode 0640 if it does not exist; its directory must exist
	Checkpoint string       // created with mode 0600; nobody else uses it
	Log        *slog.Logger // nil: no log
}

// Stats describe what has been shipped since Open.
type Stats struct {
	Files int    // number of files that are followed
	Lines uint64 // number of lines written to the output
}

// A Shipper ships lines. It must be used by one goroutine at a time.
type Shipper struct {
	sel        Selection
	checkpoint string
	log        *slog.Logger
	out        *output
	files      []*follower          // in the order in which they were found
	known      map[string]*follower // by identity
	missing    []fileMark           // marks of the checkpoint whose files are missing
	unsaved    bool                 // the checkpoint on disk is out of date

	window []byte // for one read: MaxLine bytes, and those that a mark covers before them
	batch  []byte // lines to ship in this turn
	lines  uint64 // in batch
	next   int    // the file that the next turn begins with
	stats  Stats

	said, saidBefore map[string]string // warnings of this turn and of the one before

	maxLine int
	now     func() time.Time
	reached func(stage) // for tests that crash here
}

// Open makes output and checkpoint agree, and finds the files. It blocks for a few syncs. The
// error is [ErrOwnFile], [ErrCheckpoint], an [*OutputError], or a file system error about the
// checkpoint.
//
// Only one process at a time may have an output and a checkpoint open. The caller must ensure
// that.
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
	// Without a checkpoint, a crash could ship the very first batch twice.
	return s, s.save()
}

// Stats returns the current statistics.
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
		_ = f.file.Close() // only read from
	}
	s.files, s.known = nil, nil
	return s.out.file.Close()
}
