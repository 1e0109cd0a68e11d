//go:build unix

package singleton

import (
	"errors"
	"io/fs"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// tryMutex reports whether a process has locked the mutex, and if not, whether the mutex
// proves that there is no holder.
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
	if err := files.TryLock(f, true); err != nil {
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

// probeOld looks for a holder without a mutex, or whose mutex was removed: see take.
func probeOld(o Options, vouched bool) (Holder, error) {
	if vouched {
		record, err := files.OpenToRead(o.LockFile())
		if err != nil {
			return Holder{}, free(o)
		}
		info, err := record.Stat()
		old := err == nil && writtenByOld(record, info.Size())
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
			held := mayHold(f)
			_ = f.Close()
			if held {
				return Holder{}, nil
			}
		}
	}
	if h, found := lostHolder(o); found {
		return h, nil
	}
	return Holder{}, free(o)
}

// seemsHeld reports whether the PID file is locked. That decides nothing, but it is a hint.
func seemsHeld(o Options) bool {
	taken, err := lockedByOther(o.PIDFile())
	return err == nil && taken
}
