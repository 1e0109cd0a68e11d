//go:build unix

package singleton

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// A handle has the open file, which is nil until we hold the name.
type handle struct {
	file    *os.File
	which   fs.FileInfo // tells file from others; its size, mode and owner may have changed since
	private bool        // the file is the mutex
	plain   bool        // we keep no lock on the file
}

// ours reports whether the file at path is the one that we have open.
func (f *heldFile) ours() bool { return f.file != nil && f.inPlace() }

// maxSwaps limits the attempts to lock a file. Its path may be given to another file between
// our open and our lock, and then the lock is worthless.
const maxSwaps = 100

// open opens or creates the file at path. It keeps the content, because the loser of a race
// must not destroy what the winner wrote. A new file is private until write, so that nobody
// can lock it before us. A file that we cannot write, such as one that root left in our
// directory, is opened for reading, and write replaces it.
func (f *heldFile) open(flag int) (err error) {
	f.file, f.which, err = files.OpenInfo(f.path, os.O_RDWR|os.O_CREATE|flag, 0o600)
	if errors.Is(err, fs.ErrPermission) && !errors.Is(err, files.ErrUntrusted) && !f.private {
		if file, which, e := files.OpenInfo(f.path, os.O_RDONLY, 0); e == nil {
			f.file, f.which, err = file, which, nil
		}
	}
	return err
}

// lock opens and locks the file at path.
func (f *heldFile) lock() error {
	for range maxSwaps {
		if err := f.open(0); err != nil {
			return err
		}
		if err := files.TryLock(f.file, false); err != nil {
			f.close()
			return err
		}
		if f.inPlace() {
			return nil
		}
		f.close()
	}
	return fmt.Errorf("%s was replaced %d times during attempts to lock it", f.path, maxSwaps)
}

// inPlace reports whether path still leads to the open file.
func (f *heldFile) inPlace() bool {
	there, err := os.Lstat(f.path)
	return err == nil && os.SameFile(f.which, there)
}

// mode returns the permissions of the file, whatever the umask. Everybody may read who the
// holder is.
func (f *heldFile) mode() fs.FileMode {
	if f.private {
		return 0o600
	}
	return 0o644
}

// whole returns the content that the file with the given info must have.
func (f *heldFile) whole(info fs.FileInfo) []byte {
	if f.private {
		return signature(info)
	}
	return f.content
}

// write makes content the whole content of the file. The caller must hold the name. A file
// that describes the holder must belong to the holder, since the owner of a record determines
// which process it may name.
func (f *heldFile) write() error {
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && !f.private && int(st.Uid) != os.Geteuid() {
		err := f.recreate()
		if !errors.Is(err, fs.ErrPermission) || f.put(info) != nil {
			return err
		}
		return nil
	}
	return f.put(info)
}

// put is write without replacing the file.
func (f *heldFile) put(info fs.FileInfo) error {
	content := f.whole(info)
	if info.Size() > int64(len(content)) { // nothing may remain behind our content
		if err := f.file.Truncate(0); err != nil {
			return err
		}
	}
	if _, err := f.file.WriteAt(content, 0); err != nil {
		_ = f.file.Truncate(0) // half a record is worse than none
		return err
	}
	// Others may read the file only now, with our content: in a directory of his
	// own, a user can give our file's name to another file of root's.
	if info.Mode().Perm() != f.mode() {
		if err := f.file.Chmod(f.mode()); err != nil {
			return err
		}
	}
	if f.private {
		f.handOver()
	}
	return nil
}

// handOver gives a mutex that root created in a directory of the service's user to that user,
// so that a start by hand as root does not lock the user out. If that fails, the mutex stays
// root's.
func (f *heldFile) handOver() {
	if os.Geteuid() != 0 {
		return
	}
	if dir, err := os.Stat(filepath.Dir(f.path)); err == nil {
		if st, ok := dir.Sys().(*syscall.Stat_t); ok && st.Uid != 0 {
			_ = f.file.Chown(int(st.Uid), int(st.Gid))
		}
	}
}

// repair restores the file if it is damaged, and describes the damage.
func (f *heldFile) repair() (damage string, err error) {
	if !f.inPlace() {
		damage = "was replaced"
		if _, err := os.Lstat(f.path); errors.Is(err, fs.ErrNotExist) {
			damage = "was removed"
		}
		return damage, f.recreate()
	}
	info, err := f.file.Stat()
	if err != nil {
		return "cannot be examined", err
	}
	if f.private && info.Mode().Perm()&0o077 != 0 {
		return "could be opened, and therefore locked, by others", f.recreate()
	}
	want := f.whole(info)
	got := make([]byte, len(want)+1)
	n, _ := f.file.ReadAt(got, 0)
	if bytes.Equal(got[:n], want) {
		return "", nil
	}
	return "was altered", f.write()
}

// recreate replaces the file by a new one. The new file is complete before it gets the name,
// and locked if the old one was. The lock on the old file is released only then.
func (f *heldFile) recreate() error {
	if err := files.MakeDir(filepath.Dir(f.path), 0o755); err != nil {
		return err
	}
	if f.private && !f.inPlace() {
		if taken, err := lockedByOther(f.path); err == nil && taken {
			return errors.New("another process holds the lock on the file that replaced it")
		}
	}
	next := &heldFile{path: filepath.Join(filepath.Dir(f.path), "."+filepath.Base(f.path)+".new"), content: f.content}
	next.private, next.plain = f.private, f.plain
	if err := os.Remove(next.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err := next.open(os.O_EXCL)
	if err == nil && !next.plain {
		err = files.TryLock(next.file, false) // nobody else can open it yet
	}
	var info fs.FileInfo
	if err == nil {
		info, err = next.file.Stat()
	}
	if err == nil {
		err = next.put(info)
	}
	if err == nil {
		err = os.Rename(next.path, f.path)
	}
	if err != nil {
		if next.file != nil {
			_ = os.Remove(next.path)
		}
		next.close()
		return err
	}
	f.close()
	f.file, f.which = next.file, next.which
	return nil
}

func (f *heldFile) close() {
	if f.file != nil {
		_ = f.file.Close() // releases the lock, too
		f.file = nil
	}
}
