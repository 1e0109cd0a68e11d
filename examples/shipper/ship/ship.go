package ship

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// Selection says which lines are shipped.
type Selection struct {
	Inputs []string       // globs as in [filepath.Match]
	Match  *regexp.Regexp // sees a line without its end; nil: every line
}

// has tells whether a file known as path is among the inputs.
func (sel Selection) has(path string) bool {
	return slices.ContainsFunc(sel.Inputs, func(glob string) bool {
		ok, _ := filepath.Match(glob, path)
		return ok
	})
}

// paths are the files that the inputs name at the moment.
func (sel Selection) paths() []string {
	var all []string
	for _, glob := range sel.Inputs {
		paths, _ := filepath.Glob(glob) // a bad pattern was refused earlier
		all = append(all, paths...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

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

// stage is a point of a turn at which a crash is interesting.
type stage string

const (
	stageAppended stage = "output synced, checkpoint old"
	stageSaved    stage = "checkpoint saved"
)

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

// Select ships from now on what sel says. Files that it has no longer keep
// their place, should they ever come back. The error is [ErrOwnFile], or
// filepath.ErrBadPattern; nothing has changed then.
func (s *Shipper) Select(sel Selection) error {
	if err := refuse(sel, s.out.path, s.checkpoint); err != nil {
		return err
	}
	for _, path := range sel.paths() {
		if info, err := os.Stat(path); err == nil && os.SameFile(info, s.out.info) {
			return fmt.Errorf("input %q is the output %q: %w", path, s.out.path, ErrOwnFile)
		}
	}
	s.sel = sel
	for _, f := range s.files {
		f.selected = sel.has(f.path)
	}
	return nil
}

// refuse refuses patterns that are none, and those that would match one of our
// own files even before it is there.
func refuse(sel Selection, own ...string) error {
	for _, glob := range sel.Inputs {
		for _, path := range own {
			switch match, err := filepath.Match(glob, path); {
			case err != nil:
				return fmt.Errorf("input %q: %w", glob, err)
			case match:
				return fmt.Errorf("input %q matches %q: %w", glob, path, ErrOwnFile)
			}
		}
	}
	return nil
}

// Turn ships a bounded piece of what there is, and makes it durable. More says
// that there is more already. After an error nothing is lost or shipped twice:
// call it again when the cause may have gone.
func (s *Shipper) Turn() (more bool, err error) {
	_, more, err = s.turn()
	return more, err
}

func (s *Shipper) turn() (consumed int64, more bool, err error) {
	changed, err := s.out.settle()
	if err != nil {
		return 0, false, err
	}
	// The checkpoint knows the output as it is before anything is appended.
	if s.unsaved = s.unsaved || changed; s.unsaved {
		if err := s.save(); err != nil {
			return 0, false, err
		}
	}
	s.discover()
	consumed, more = s.gather()
	if err := s.commit(); err != nil {
		return 0, false, err
	}
	s.sweep()
	return consumed, more, nil
}

// commit makes what gather collected part of the output, and then of the
// checkpoint: never the other way round.
func (s *Shipper) commit() error {
	if len(s.batch) > 0 {
		if err := s.out.append(s.batch); err != nil {
			s.rollBack()
			return err
		}
		s.reached(stageAppended)
	}
	s.stats.Lines += s.lines
	s.batch, s.lines = s.batch[:0], 0
	for _, f := range s.files {
		f.done = f.position
	}
	if !s.unsaved {
		return nil
	}
	return s.save()
}

// rollBack forgets what was read and could not be written.
func (s *Shipper) rollBack() {
	s.batch, s.lines = s.batch[:0], 0
	for _, f := range s.files {
		f.position, f.seen = f.done, unseen
	}
}

// Drain ships what is there now, though not all that is added meanwhile, and
// writes the last checkpoint. If ctx ends first, the rest is left to the next
// run, which is no error.
func (s *Shipper) Drain(ctx context.Context) error {
	left := int64(unseen) // until the first turn has found all files
	for more := true; more && left != 0; {
		if ctx.Err() != nil {
			s.log.Info("what is not shipped yet is left to the next run")
			break
		}
		consumed, again, err := s.turn()
		if err != nil {
			return err
		}
		if left == unseen {
			left = s.backlog()
		} else {
			left = max(left-consumed, 0)
		}
		more = again
	}
	if s.unsaved {
		return s.save()
	}
	return nil
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
