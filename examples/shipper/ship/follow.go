package ship

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"
)

// follower is an input file that is, or was, followed. It is kept open, so that
// its identity stays its own, until the file is gone for good.
type follower struct {
	id   string
	path string // where an input named it last; a rotated file is elsewhere by now
	file *os.File
	position
	done     position  // what the output has
	seen     int64     // the size of the file when it was read to its end
	changed  time.Time // when it was last seen to have another size
	selected bool      // the inputs name it, or did before it was rotated
	found    bool      // by the discovery of this turn
	broken   error     // why it cannot be read any more
}

// unseen is a size that no file has.
const unseen = -1

// gather collects complete lines from the files until there are no more or the
// turn is full. It goes round, so that no file waits for another to end.
func (s *Shipper) gather() (consumed int64, more bool) {
	all := slices.Clone(s.files)
	if s.next < len(all) {
		all = slices.Concat(all[s.next:], all[:s.next])
	}
	s.next = 0
	for again := true; again; {
		again = false
		for _, f := range all {
			if !f.selected || f.broken != nil {
				continue
			}
			if consumed >= turnBytes {
				s.next = max(slices.Index(s.files, f), 0)
				return consumed, true
			}
			n, err := s.read(f)
			f.broken = err // what it gave before may be in the batch: see sweep
			consumed += int64(n)
			again = again || n > 0
		}
	}
	return consumed, false
}

// read consumes at most a window of f and returns how much that was.
func (s *Shipper) read(f *follower) (consumed int, err error) {
	info, err := f.file.Stat()
	if err != nil {
		return 0, err
	}
	if info.Size() == f.seen {
		return 0, nil
	}
	f.changed = s.now()
	head := before(f.Offset)
	n, err := f.file.ReadAt(s.window[:head+s.maxLine], f.Offset-int64(head))
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	text := s.window[:n]
	if n < head || !f.holds(text[:head]) {
		s.log.Warn("the file was truncated or rewritten: reading it from the start", "file", f.path, "had_read", f.Offset)
		f.position, f.seen = position{}, unseen
		s.unsaved = true
		return s.read(f) // at the start there is nothing to hold
	}
	f.seen = f.Offset + int64(n-head)
	consumed, skipping := split(text[head:], s.maxLine, f.Skipping, s.emit)
	if skipping && !f.Skipping {
		s.log.Warn("a line is too long and passed over", "file", f.path, "offset", f.Offset, "limit", s.maxLine)
	}
	if consumed > 0 {
		f.position = position{markAt(f.Offset+int64(consumed), text[:head+consumed]), skipping}
		s.unsaved = true
	}
	return consumed, nil
}

func (s *Shipper) emit(line []byte) {
	if s.sel.Match == nil || s.sel.Match.Match(withoutEnd(line)) {
		s.batch = append(s.batch, line...)
		s.lines++
	}
}

// lose gives up a file that cannot be read, and remembers its place: if it can
// be found again, it will be.
func (s *Shipper) lose(f *follower) {
	s.complain(f.path, "the file cannot be read", f.broken)
	s.drop(f)
	if f.Offset > 0 {
		s.missing = append(s.missing, fileMark{Path: f.path, ID: f.id, position: f.position, Missing: s.now()})
	}
}

func (s *Shipper) drop(f *follower) {
	_ = f.file.Close()
	delete(s.known, f.id)
	s.files = slices.DeleteFunc(s.files, func(x *follower) bool { return x == f })
	s.unsaved = true
}

// sweep lets go of files that broke, and of those that have been removed: at
// once if nobody wants them, else when they have been read to the end and been
// quiet for a while. It runs when all that was read of them is in the output.
func (s *Shipper) sweep() {
	for _, f := range slices.Clone(s.files) {
		var info fs.FileInfo
		if f.broken == nil && !f.found {
			info, f.broken = f.file.Stat()
		}
		switch {
		case f.broken != nil:
			s.lose(f)
		case f.found || !removed(info):
		case f.selected && (info.Size() != f.seen || s.now().Sub(f.changed) < linger):
		default:
			if rest := info.Size() - f.Offset; f.selected && rest > 0 && !f.Skipping {
				s.log.Warn("a removed file ended without a newline", "file", f.path, "bytes", rest)
			}
			s.drop(f)
		}
	}
}

// backlog is how much there is to read at the moment.
func (s *Shipper) backlog() int64 {
	var sum int64
	for _, f := range s.files {
		if info, err := f.file.Stat(); err == nil && f.selected {
			sum += max(info.Size()-f.Offset, 0)
		}
	}
	return sum
}
