//go:build unix

package singleton

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"syscall"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// errTaken: another open file description has the lock ([files.ErrLocked], of flock(2)),
// or a lease, which lasts for a moment as well.
const errTaken = syscall.EWOULDBLOCK

// mutex is the file whose lock decides who holds the name. Whoever can open a
// file can lock it: so it is made for its owner alone, and nobody else ever has a
// descriptor of it.
type mutex struct{ file *heldFile }

func newMutex(o Options) mutex {
	return mutex{&heldFile{path: o.MutexFile(), handle: handle{private: true}}}
}

func (m mutex) held() bool         { return m.file.file != nil }
func (m mutex) close()             { m.file.close() }
func (m mutex) files() []*heldFile { return []*heldFile{m.file} }
func (mutex) complete()            {} // of Windows

// lock makes the mutex ours, or fails with errTaken.
func (m mutex) lock() error { return m.file.lock() }

// sign makes what lock gave us complete: what was copied or restored from
// somewhere, so that others could have opened it, is replaced by a file that
// nobody has, and one that does not say that its lock decides says so from now on.
func (m mutex) sign() error {
	info, err := m.file.file.Stat()
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return m.file.recreate()
	}
	return m.file.write()
}

// vouchedFor reports whether the file carries its own signature and was never
// anybody else's to open: who held the name since it was signed has locked this
// very file, and is gone when we have.
func (m mutex) vouchedFor() bool {
	info, err := m.file.file.Stat()
	if err != nil || info.Mode().Perm() != 0o600 {
		return false
	}
	line := signature(info)
	content, err := io.ReadAll(io.NewSectionReader(m.file.file, 0, int64(len(line))+1))
	return err == nil && line != nil && bytes.Equal(content, line)
}

// signature is a line that names the file with which info came, and no copy of it.
func signature(info fs.FileInfo) []byte {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return fmt.Appendf(nil, "{\"file\":\"%d:%d\"}\n", st.Dev, st.Ino)
}

// lockedByOther reports whether somebody else has the lock of the file at path.
// The lock by which it finds out takeMutex knows to wait for. What is no regular file
// nobody can have locked.
func lockedByOther(path string) (bool, error) {
	locked, err := files.Locked(path)
	return locked, ignore(err, files.ErrUntrusted)
}
