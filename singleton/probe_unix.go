//go:build unix

package singleton

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"syscall"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

func probe(o Options) (Holder, error) {
	for patience := newPatience(); ; {
		held, err := anyHeld(o)
		if err != nil {
			return Holder{}, classify(o, err)
		}
		if !held {
			return Holder{}, fmt.Errorf("%q: %w", o.Name, ErrFree)
		}
		if h, ok := readHolder(o); ok || !patience.wait() {
			return h, nil
		}
	}
}

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
		if errors.Is(err, errWouldBlock) {
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

// readHolder returns the recorded holder if it is verified: alive, the very
// process, and not passed off on us by whoever owns the record.
func readHolder(o Options) (Holder, bool) {
	f, err := openToRead(o.LockFile())
	if err != nil {
		return Holder{}, false
	}
	defer func() { _ = f.Close() }()
	content, err := io.ReadAll(io.LimitReader(f, maxRecord))
	if err != nil {
		return Holder{}, false
	}
	h, err := parseRecord(content)
	if err != nil {
		return Holder{}, false
	}
	if alive, err := h.Alive(); err != nil || !alive {
		return Holder{}, false
	}
	if !mayName(f, h) {
		return Holder{}, false
	}
	return h, true
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
