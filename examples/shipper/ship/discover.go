package ship

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// forgetAfter limits how long the position in a missing file is remembered. Its file system
// may be mounted again.
const forgetAfter = 7 * 24 * time.Hour

// discover looks for the files that match the inputs. It never fails: a file that cannot be
// used is skipped, and a warning is logged once.
func (s *Shipper) discover() {
	s.said, s.saidBefore = make(map[string]string), s.said
	for _, f := range s.files {
		f.found = false
	}
	type candidate struct {
		path string
		info fs.FileInfo
	}
	var fresh []candidate
	for _, path := range s.sel.paths() {
		info, err := os.Lstat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist): // removed since it was listed
		case err != nil:
			s.complain(path, "the file cannot be examined", err)
		case info.IsDir():
		case !info.Mode().IsRegular():
			// A link could lead anywhere, in a directory that others write to.
			s.complain(path, "passed over", errors.New("not a regular file"))
		default:
			if f := s.known[identity(path, info)]; f != nil {
				s.found(f, path)
			} else {
				fresh = append(fresh, candidate{path, info})
			}
		}
	}
	// Rotated files are older than their successors.
	slices.SortFunc(fresh, func(a, b candidate) int {
		if c := a.info.ModTime().Compare(b.info.ModTime()); c != 0 {
			return c
		}
		return strings.Compare(a.path, b.path)
	})
	for _, c := range fresh {
		s.adopt(c.path)
	}
}

func (s *Shipper) found(f *follower, path string) {
	if !f.found && f.path != path {
		f.path = path
		s.unsaved = true
	}
	f.found, f.selected = true, true
}

// adopt begins to follow the file at path, at its position in the checkpoint.
func (s *Shipper) adopt(path string) {
	f := s.open(path)
	if f == nil {
		return
	}
	if err := s.claim(f); err != nil {
		s.complain(path, "the file cannot be read", err)
		_ = f.file.Close()
		return
	}
	s.log.Debug("following", "file", path, "from", f.Offset)
	f.found, f.selected = true, true
	s.follow(f)
}

func (s *Shipper) follow(f *follower) {
	f.done, f.seen, f.changed = f.position, unseen, s.now()
	s.files = append(s.files, f)
	s.known[f.id] = f
}

// open opens a file that is not followed yet, or returns nil.
func (s *Shipper) open(path string) *follower {
	file, err := files.Open(path, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		s.complain(path, "the file cannot be opened", err)
		return nil
	}
	info, err := file.Stat()
	if err == nil && os.SameFile(info, s.out.info) {
		err = ErrOwnFile
	}
	f := &follower{path: path, file: file}
	if err == nil {
		f.id = identity(path, info)
		if s.known[f.id] == nil {
			return f
		}
	} else {
		s.complain(path, "the file cannot be followed", err)
	}
	_ = file.Close()
	return nil
}

// claim gives f its position from the checkpoint. It looks for the identity of f first, then
// for its path, because the device number of the file system may have changed. Either counts
// only if the file still has the mark.
func (s *Shipper) claim(f *follower) error {
	for _, same := range []func(fileMark) bool{
		func(m fileMark) bool { return m.ID == f.id },
		func(m fileMark) bool { return m.Path == f.path },
	} {
		for i, m := range s.missing {
			if !same(m) {
				continue
			}
			if held, err := m.holdsIn(f.file); err != nil {
				return err
			} else if held {
				f.position = m.position
				s.forget(i)
				return nil
			}
		}
	}
	if i := slices.IndexFunc(s.missing, func(m fileMark) bool { return m.ID == f.id }); i >= 0 {
		s.log.Warn("the file is not the one that was read, or was rewritten: reading it from the start",
			"file", f.path, "had_read", s.missing[i].Offset)
		s.forget(i)
	}
	return nil
}

func (s *Shipper) forget(i int) {
	s.missing = slices.Delete(s.missing, i, i+1)
	s.unsaved = true
}

// locate looks for files of the checkpoint that match no input any more. Files that were
// rotated while the shipper was not running are still in their directory. The positions of
// others are kept for a while.
func (s *Shipper) locate() {
	listed := make(map[string][]fs.DirEntry)
	for _, m := range slices.Clone(s.missing) {
		dir := filepath.Dir(m.Path)
		if _, ok := listed[dir]; !ok {
			listed[dir], _ = os.ReadDir(dir) // after an error nothing is found
		}
		for _, entry := range listed[dir] {
			path := filepath.Join(dir, entry.Name())
			info, err := entry.Info()
			if err != nil || !info.Mode().IsRegular() || identity(path, info) != m.ID {
				continue
			}
			if f := s.open(path); f != nil {
				s.resume(f, m)
			}
			break
		}
	}
	now := s.now()
	s.missing = slices.DeleteFunc(s.missing, func(m fileMark) bool {
		return !m.Missing.IsZero() && now.Sub(m.Missing) > forgetAfter
	})
	for i := range s.missing {
		if m := &s.missing[i]; m.Missing.IsZero() {
			m.Missing = now
			s.log.Warn("a file is gone: lines added to it since then are not shipped", "file", m.Path, "had_read", m.Offset)
		}
	}
}

// resume follows f if it is the file of m.
func (s *Shipper) resume(f *follower, m fileMark) {
	if held, err := m.holdsIn(f.file); err != nil || !held {
		_ = f.file.Close()
		return
	}
	s.missing = slices.DeleteFunc(s.missing, func(x fileMark) bool { return x == m })
	s.log.Debug("following a rotated file", "file", f.path, "was", m.Path, "from", m.Offset)
	f.path, f.position, f.selected = m.Path, m.position, s.sel.has(m.Path)
	s.follow(f)
}

// complain logs a problem with a file, once as long as it does not change.
func (s *Shipper) complain(path, what string, err error) {
	text := what + ": " + err.Error()
	if s.saidBefore[path] != text && s.said[path] != text {
		s.log.Warn(what, "file", path, "error", err)
	}
	s.said[path] = text
}
