package logsink

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// fileWriter is a log file. We rotate it when it is full, and others may rotate it at any
// time.
type fileWriter struct {
	path string
	most int64 // bytes that the file may have
	keep int   // rotated files
	age  time.Duration

	file    *os.File    // nil: the next line opens it
	info    fs.FileInfo // of file, when it was opened
	size    int64
	checked time.Time // that file is what path names
}

// openFile opens o.File for appending.
func openFile(o Options) (destination, error) {
	if !filepath.IsAbs(o.File) { // Check accepts paths of other systems, because plans for them are made here
		return nil, &FieldError{"file", fmt.Errorf("%q is not an absolute path of this system", o.File)}
	}
	w := &fileWriter{
		path: filepath.Clean(o.File),
		most: int64(cmp.Or(o.MaxSizeMB, Defaults().MaxSizeMB)) << 20,
		keep: cmp.Or(o.MaxBackups, Defaults().MaxBackups),
		age:  time.Duration(o.MaxAgeDays) * 24 * time.Hour,
	}
	if err := w.open(); err != nil {
		return nil, err
	}
	w.removeOld()
	return w, nil
}

func (w *fileWriter) open() error {
	if err := files.MakeDir(filepath.Dir(w.path), 0o750); err != nil {
		return err
	}
	f, err := files.Open(w.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	w.file, w.info, w.size, w.checked = f, info, info.Size(), time.Now()
	return nil
}

func (w *fileWriter) put(l line) error {
	text := append(l.text, '\n')
	n := int64(len(text))
	if n > w.most {
		return fmt.Errorf("write %s: a line of %d bytes exceeds the size limit of the file", w.path, n)
	}
	err := w.ready(checkEvery)
	if err == nil && w.size+n > w.most {
		if err = w.ready(0); err == nil && w.size > 0 && w.size+n > w.most {
			err = w.rotate()
		}
	}
	if err != nil {
		return err
	}
	written, err := w.file.Write(text)
	w.size += int64(written)
	return err
}

// checkEvery is how long it may take to notice that somebody has renamed, removed, replaced or
// truncated the file.
const checkEvery = time.Second

// ready opens the file, unless it is open and its path has led to it within the last period of
// length every.
func (w *fileWriter) ready(every time.Duration) error {
	if w.file != nil && time.Since(w.checked) >= every {
		w.checked = time.Now()
		switch now, err := os.Lstat(w.path); {
		case err == nil && os.SameFile(now, w.info):
			w.size = now.Size()
		case err == nil, errors.Is(err, fs.ErrNotExist):
			_ = w.close()
		}
	}
	if w.file == nil {
		return w.open()
	}
	return nil
}

// rotate renames the file and begins a new one with the same mode and owner. If the file
// cannot be renamed (on Windows, while another program reads it), it grows, and the next line
// tries again.
func (w *fileWriter) rotate() error {
	old := w.info
	_ = w.close() // Windows does not rename an open file
	err := os.Rename(w.path, w.aside())
	if e := w.open(); e != nil || err != nil {
		return e
	}
	inherit(w.file, old)
	if info, err := w.file.Stat(); err == nil {
		w.info = info
	}
	w.removeOld()
	return nil
}

// stamp is the format of the time, in UTC, in the name of a rotated file.
const stamp = "2006-01-02T15-04-05.000"

// around returns the parts of that name before and after the time.
func (w *fileWriter) around() (before, behind string) {
	behind = filepath.Ext(w.path)
	return strings.TrimSuffix(w.path, behind) + "-", behind
}

// aside returns a name for a rotated file that no file has.
func (w *fileWriter) aside() string {
	before, behind := w.around()
	for at := time.Now().UTC(); ; at = at.Add(time.Millisecond) {
		name := before + at.Format(stamp) + behind
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return name
		}
	}
}

// removeOld removes the rotated files that are too many or too old. The next rotation tries
// again to remove those that could not be removed.
func (w *fileWriter) removeOld() {
	before, behind := w.around()
	entries, _ := os.ReadDir(filepath.Dir(w.path))
	slices.Reverse(entries) // by name, which is by age: the latest first
	kept := 0
	for _, e := range entries {
		name := filepath.Join(filepath.Dir(w.path), e.Name())
		middle, ours := strings.CutPrefix(name, before)
		middle, same := strings.CutSuffix(middle, behind)
		at, err := time.Parse(stamp, middle)
		switch {
		case !ours, !same, err != nil, !e.Type().IsRegular():
		case kept >= w.keep, w.age > 0 && time.Since(at) > w.age:
			_ = os.Remove(name)
		default:
			kept++
		}
	}
}

// reopen opens the file that the path leads to now.
func (w *fileWriter) reopen() error {
	_ = w.close()
	return w.open()
}

func (w *fileWriter) close() error {
	if w.file == nil {
		return nil
	}
	err := w.file.Close()
	w.file = nil
	return err
}
