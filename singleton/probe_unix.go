//go:build unix

package singleton

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"syscall"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// anyHeld tells whether one of the two files is locked by anybody. It does so
// by a shared lock that lasts a moment; [Lock.take] knows to wait for it.
func anyHeld(o Options) (bool, error) {
	for _, path := range []string{o.LockFile(), o.PIDFile()} {
		f, err := openToRead(path)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNoFile) {
			continue
		}
		if err != nil {
			return false, err
		}
		err = flock(f, syscall.LOCK_SH)
		_ = f.Close()
		if errors.Is(err, errTaken) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// errNoFile: what is at the path is nothing that a holder could have locked.
var errNoFile = errors.New("not a regular file")

func openToRead(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.EMLINK) { // FreeBSD says EMLINK
		return nil, errNoFile
	}
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		return nil, errNoFile
	}
	return f, nil
}

// mayName refuses a record that names a process of somebody else: a user who
// owns the record could otherwise have root signal any process for him.
func mayName(f *os.File, h Holder) bool {
	info, err := f.Stat()
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	if st.Uid == 0 {
		return true
	}
	owner, err := proc.Owner(h.PID)
	return err == nil && owner == strconv.Itoa(int(st.Uid))
}
