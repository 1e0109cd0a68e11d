package singleton

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// A handle is open for the mutex only. Files that we write are not kept open.
type handle struct {
	private bool     // the file is the mutex
	file    *os.File // nil unless locked
}

// ours reports whether the file at path is as we wrote it.
func (f *heldFile) ours() bool {
	damage, err := f.damage()
	return damage == "" && err == nil
}

func (f *heldFile) close() {
	if f.file != nil {
		_ = f.file.Close() // releases the lock, too
		f.file = nil
	}
}

// write makes content the whole content of the file, in place. Readers would prevent a
// replacement, and they know to read the file again. The caller must hold the name. Everybody
// may have the file open to read who the holder is. If that prevents the write, the error is
// files.ErrInUse.
func (f *heldFile) write() error {
	file, err := patiently(f.path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	_, err = file.WriteAt(f.content, 0)
	if err == nil {
		err = file.Truncate(int64(len(f.content)))
	} else {
		_ = file.Truncate(0) // half a record is worse than none
	}
	return errors.Join(err, file.Close())
}

// repair restores the file if it is damaged, and describes the damage.
func (f *heldFile) repair() (damage string, err error) {
	if f.private {
		return f.repairMutex()
	}
	damage, err = f.damage()
	if err == nil && damage != "" {
		err = f.restore()
	}
	return damage, err
}

// repairMutex is repair for the mutex. Nobody can remove or replace it while we have it open.
// A process that locks it while we replace it finds the recorded holder alive.
func (f *heldFile) repairMutex() (damage string, err error) {
	if f.file == nil {
		return "was lost when the file was replaced", f.relock()
	}
	others, err := f.secure()
	switch {
	case err != nil:
		return "cannot be examined", err
	case others != "":
		return "could be opened, and therefore locked, by " + others, f.relock()
	}
	return "", nil
}

func (f *heldFile) restore() error {
	if err := files.MakeDir(filepath.Dir(f.path), 0o755); err != nil {
		return err
	}
	return f.write()
}

// damage describes the damage to the file, or returns "" if it is as we wrote it.
func (f *heldFile) damage() (string, error) {
	there, err := files.OpenToRead(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "was removed", nil
	case err != nil:
		if info, e := os.Lstat(f.path); e == nil && !info.Mode().IsRegular() {
			return "was replaced", nil
		}
		return "cannot be examined", err
	}
	defer there.Close()
	got, err := io.ReadAll(io.LimitReader(there, int64(len(f.content))+1))
	if err != nil {
		return "cannot be examined", err
	}
	if !bytes.Equal(got, f.content) {
		return "was altered", nil
	}
	return "", nil
}
