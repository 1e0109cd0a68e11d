package ship

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"
)

// A follower is an input file that is or was followed. It is kept open until the file is gone
// for good, so that no other file gets its identity.
type follower struct {
	id   string
	path string // last path that matched an input; a rotated file has another one by now
	file *os.File
	position
	done     position  // position up to which the output has the lines
	seen     int64     // size of the file when it was read to its end
	changed  time.Time // when its size was last seen to change
	selected bool      // it matches an input, or did before it was rotated
	found    bool      // discovered in this turn
	broken   error     // why it can no longer be read
}

// unseen is a size that no file has.
const unseen = -1

// gather collects complete lines from the files until there are no more or the turn is full.
// It reads the files in turn, so that none has to wait for the end of another.
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
			f.broken = err // lines read before the error may be in the batch: see sweep
			consumed += int64(n)
			again = again || n > 0
		}
	}
	return consumed, false
}

// read consumes at most one window of f, and returns the number of bytes.
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
		return s.read(f) // at offset 0 there is no mark to check
	}
	f.seen = f.Offset + int64(n-head)
	consumed, skipping := split(text[head:], s.maxLine, f.Skipping, s.emit)
	if skipping && !f.Skipping {
		s.log.Warn("a line is too long and is skipped", "file", f.path, "offset", f.Offset, "limit", s.maxLine)
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

// lose gives up a file that cannot be read, and remembers its position in case it is found
// again.
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

// sweep drops files that failed and files that were removed. A removed file is dropped at once
// if it is not selected. Otherwise it is dropped when it has been read to its end and has not
// changed for a while. sweep runs when everything read from the files is in the output.
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

// backlog returns the number of bytes that are left to read at the moment.
func (s *Shipper) backlog() int64 {
	var sum int64
	for _, f := range s.files {
		if info, err := f.file.Stat(); err == nil && f.selected {
			sum += max(info.Size()-f.Offset, 0)
		}
	}
	return sum
}
