//go:build unix

package singleton

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// errTaken: flock(2) says that another open file description has the lock.
const errTaken = syscall.EWOULDBLOCK

// grip is the file itself, locked; nil until it is.
type grip struct{ file *os.File }

func (f *heldFile) held() bool { return f.file != nil }

// ours tells whether the file at path is the one that we made.
func (f *heldFile) ours() bool { return f.inPlace() }

// A path can be given to another file between our open and our lock; then the
// lock is one on a file that nobody will look at. So often we try again.
const maxSwaps = 100

// lock opens and locks the file at path. What is in it stays: the loser of a
// race must not destroy what the winner wrote.
func (f *heldFile) lock() error {
	for range maxSwaps {
		file, err := files.Open(f.path, os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return err
		}
		if err := flock(file, syscall.LOCK_EX); err != nil {
			_ = file.Close()
			return err
		}
		f.file = file
		if f.inPlace() {
			return nil
		}
		f.close()
	}
	return fmt.Errorf("%s was replaced %d times while we tried to lock it", f.path, maxSwaps)
}

// inPlace tells whether path still leads to the file that we hold.
func (f *heldFile) inPlace() bool {
	held, err := f.file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(f.path)
	return err == nil && os.SameFile(held, there)
}

// signature is a line that names the file with which info came, and no copy of it.
func signature(info fs.FileInfo) []byte {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return fmt.Appendf(nil, "{\"file\":\"%d:%d\"}\n", st.Dev, st.Ino)
}

// A signed file has a size that is a multiple of this, and so the same for every
// holder: it is written over in place. Truncating it first would have ext4 write
// it to the disk when it is closed (auto_da_alloc in ext4(5)), ten times the cost
// of all else, and need room on a full disk.
const signedBlock = 512

// whole is what the file with which info came has to hold.
func (f *heldFile) whole(info fs.FileInfo) []byte {
	if !f.signed {
		return f.content
	}
	record, end := bytes.TrimSuffix(f.content, []byte("\n")), append([]byte("\n"), signature(info)...)
	room := signedBlock - (len(record)+len(end))%signedBlock
	return slices.Concat(record, bytes.Repeat([]byte(" "), room), end)
}

// vouchedFor tells whether the file carries its own signature: a holder wrote
// it, as its last act before serving or its last before leaving.
func (f *heldFile) vouchedFor() bool {
	info, err := f.file.Stat()
	if err != nil {
		return false
	}
	content, err := io.ReadAll(io.NewSectionReader(f.file, 0, maxRecord))
	line := signature(info)
	return err == nil && line != nil && bytes.HasSuffix(content, line)
}

// write makes content the whole of the file. The lock must be held.
func (f *heldFile) write() error {
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	// Everybody may ask who runs; the umask has no say.
	if info.Mode().Perm() != 0o644 {
		if err := f.file.Chmod(0o644); err != nil {
			return err
		}
	}
	content := f.whole(info)
	if info.Size() > int64(len(content)) { // nothing may stay behind ours
		if err := f.file.Truncate(0); err != nil {
			return err
		}
	}
	if _, err := f.file.WriteAt(content, 0); err != nil {
		_ = f.file.Truncate(0) // half a record is worse than none
		return err
	}
	return nil
}

// repair says what was wrong with the file and puts it right.
func (f *heldFile) repair() (damage string, err error) {
	if f.inPlace() {
		info, err := f.file.Stat()
		if err != nil {
			return "cannot be examined", err
		}
		want := f.whole(info)
		got := make([]byte, len(want)+1)
		n, _ := f.file.ReadAt(got, 0)
		if bytes.Equal(got[:n], want) {
			return "", nil
		}
		return "was altered", f.write()
	}
	damage = "was replaced"
	if _, err := os.Lstat(f.path); errors.Is(err, fs.ErrNotExist) {
		damage = "was removed"
	}
	return damage, f.recreate()
}

// recreate puts a new file in place, locked and complete before it has the
// name, and drops the lock on the old one only then.
func (f *heldFile) recreate() error {
	if err := files.MakeDir(filepath.Dir(f.path), 0o755); err != nil {
		return err
	}
	if there, err := os.OpenFile(f.path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0); err == nil {
		locked := flock(there, syscall.LOCK_EX)
		_ = there.Close()
		if errors.Is(locked, errTaken) {
			return errors.New("another process holds the file that took its place")
		}
	}
	draft := &heldFile{path: filepath.Join(filepath.Dir(f.path), "."+filepath.Base(f.path)+".new"), content: f.content, signed: f.signed}
	if err := os.Remove(draft.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err := draft.lock()
	if err == nil {
		err = draft.write()
	}
	if err == nil {
		err = os.Rename(draft.path, f.path)
	}
	if err != nil {
		if draft.file != nil {
			_ = os.Remove(draft.path)
		}
		draft.close()
		return err
	}
	f.close()
	f.file = draft.file
	return nil
}

func (f *heldFile) close() {
	if f.file != nil {
		_ = f.file.Close() // the lock goes with it
		f.file = nil
	}
}

// flock takes a lock of the given kind without blocking.
func flock(file *os.File, how int) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var locked error
	err = raw.Control(func(fd uintptr) {
		for {
			if locked = syscall.Flock(int(fd), how|syscall.LOCK_NB); !errors.Is(locked, syscall.EINTR) {
				return
			}
		}
	})
	if err == nil && locked != nil {
		err = &fs.PathError{Op: "flock", Path: file.Name(), Err: locked}
	}
	return err
}
