//go:build unix

package singleton

import (
	"bytes"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// errTaken means that another open file description has the lock ([files.ErrLocked], of
// flock(2)), or a lease, which lasts only a moment, too.
const errTaken = syscall.EWOULDBLOCK

// A mutex is the file whose lock decides who holds the name. Whoever can open a file can lock
// it, so only the owner can open this one, and nobody else ever has a descriptor of it.
type mutex struct{ file *heldFile }

func newMutex(o Options) mutex {
	return mutex{&heldFile{path: o.MutexFile(), handle: handle{private: true}}}
}

func (m mutex) held() bool         { return m.file.file != nil }
func (m mutex) close()             { m.file.close() }
func (m mutex) files() []*heldFile { return []*heldFile{m.file} }
func (mutex) complete()            {} // for Windows only

// lock locks the mutex, or fails with errTaken.
func (m mutex) lock() error { return m.file.lock() }

// sign completes the mutex that lock has locked. If others could have opened it, because it
// was copied or restored from somewhere, sign replaces it by a new file. Otherwise it adds a
// missing signature.
func (m mutex) sign() error {
	info, err := m.file.file.Stat()
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return m.file.recreate()
	}
	return m.file.put(info)
}

// vouchedFor reports whether the file has its own signature and could never be opened by
// others. Then every holder since its signing has locked this very file, and has ended if we
// have the lock.
func (m mutex) vouchedFor() bool {
	info, err := m.file.file.Stat()
	if err != nil || info.Mode().Perm() != 0o600 {
		return false
	}
	line := signature(info)
	if line == nil || info.Size() != int64(len(line)) {
		return false
	}
	content := make([]byte, len(line))
	_, err = m.file.file.ReadAt(content, 0)
	return err == nil && bytes.Equal(content, line)
}

// signature returns a line that identifies the file with the given info, but no copy of it.
func signature(info fs.FileInfo) []byte {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return fmt.Appendf(nil, "{\"file\":\"%d:%d\"}\n", st.Dev, st.Ino)
}

// lockedByOther reports whether another process has locked the file at path. It tries the lock
// itself for a moment, for which takeMutex waits. A file that is not regular cannot be locked.
func lockedByOther(path string) (bool, error) {
	locked, err := files.Locked(path)
	return locked, ignore(err, files.ErrUntrusted)
}
