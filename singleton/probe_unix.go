//go:build unix

package singleton

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"syscall"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

func probe(o Options) (Holder, error) {
	held, vouched, err := tryMutex(o)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return probeRecord(o)
	case err != nil:
		return Holder{}, classify(o, err)
	case held:
		// Whoever has it locked may be a probe, or about to write who it is.
		for retry := newRetry(); held; held, vouched, err = tryMutex(o) {
			h, unknown := readHolder(o)
			if unknown == nil {
				return h, nil
			}
			if !retry.wait() {
				return Holder{}, nil
			}
		}
		if err != nil {
			return Holder{}, classify(o, err)
		}
	}
	return probeOld(o, vouched)
}

// tryMutex reports whether somebody has the mutex, and if not, whether it vouches
// for there being no holder.
func tryMutex(o Options) (held, vouched bool, err error) {
	f, err := files.OpenToRead(o.MutexFile())
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, files.ErrUntrusted) {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	m := mutex{&heldFile{path: o.MutexFile(), handle: handle{file: f, private: true}}}
	defer m.close()
	if err := flock(f, syscall.LOCK_SH); err != nil {
		return errors.Is(err, errTaken), false, ignore(err, errTaken)
	}
	return false, m.vouchedFor(), nil
}

func ignore(err, kind error) error {
	if errors.Is(err, kind) {
		return nil
	}
	return err
}

// probeOld looks for a holder that has no mutex, or lost it: see take.
func probeOld(o Options, vouched bool) (Holder, error) {
	if vouched {
		record, err := files.OpenToRead(o.LockFile())
		if err != nil {
			return Holder{}, free(o)
		}
		old := writtenByOld(record)
		_ = record.Close()
		if !old {
			return Holder{}, free(o)
		}
	}
	for _, path := range []string{o.LockFile(), o.PIDFile()} {
		taken, err := lockedByOther(path)
		if err != nil {
			return Holder{}, classify(o, err)
		}
		if !taken {
			continue
		}
		h, unknown := awaitHolder(o)
		if unknown == nil {
			return h, nil
		}
		if unverified := (*unverifiedError)(nil); errors.As(unknown, &unverified) {
			return Holder{}, nil
		}
		if path != o.PIDFile() {
			continue
		}
		if f, err := files.OpenToRead(path); err == nil {
			held := mayHold(f, lockersOf(f))
			_ = f.Close()
			if held {
				return Holder{}, nil
			}
		}
	}
	return Holder{}, free(o)
}

// awaitHolder is readHolder of a name that somebody holds: it waits for a record
// that is about to be written.
func awaitHolder(o Options) (Holder, error) {
	for retry := newRetry(); ; {
		h, err := readHolder(o)
		if err == nil || !retry.wait() {
			return h, err
		}
	}
}

// probeRecord is probe for those who cannot open the mutex: what the record says,
// and whether that process lives.
func probeRecord(o Options) (Holder, error) {
	h, err := readHolder(o)
	unverified := (*unverifiedError)(nil)
	switch {
	case err == nil:
		return h, nil
	case errors.Is(err, errNoHolder) && !ofAnotherBoot(o):
		return Holder{}, free(o)
	case errors.Is(err, errNoHolder):
		err = errors.New("whether the recorded holder lives cannot be told: it names another boot than the one that we see")
		return Holder{}, classify(o, fmt.Errorf("%w: %w", fs.ErrPermission, err))
	case errors.As(err, &unverified):
		// The lock on the PID file decides nothing, but it is a hint.
		if taken, e := lockedByOther(o.PIDFile()); e == nil && taken {
			return Holder{}, nil
		}
		err = fmt.Errorf("whether the recorded holder lives cannot be told: %w: %w", fs.ErrPermission, err)
	}
	return Holder{}, classify(o, err)
}

// ofAnotherBoot reports whether the record names another boot than ours, and a
// PID file is there, which a reboot would have taken away: we see another boot id
// than the holder, in a container that hides its own behind ProtectProc=.
func ofAnotherBoot(o Options) bool {
	f, err := files.OpenToRead(o.LockFile())
	if err != nil {
		return false
	}
	defer f.Close()
	h, err := recorded(f)
	if err != nil {
		return false
	}
	self, err := proc.Self()
	if err != nil || h.SameBoot(self) {
		return false
	}
	_, err = os.Lstat(o.PIDFile())
	return err == nil
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
