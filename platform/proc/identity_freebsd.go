package proc

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// look returns the process with that number, and its start time for an [Identity].
func look(pid int) (kinfo, uint64, error) {
	const tries = 5 // each fails only if somebody sets the clock during it
	for range tries {
		before, err := booted()
		if err != nil {
			return kinfo{}, 0, err
		}
		raw, err := unix.SysctlRaw("kern.proc.pid", pid)
		if errors.Is(err, syscall.ESRCH) {
			return kinfo{}, 0, ErrGone
		}
		if err != nil {
			return kinfo{}, 0, fmt.Errorf("sysctl kern.proc.pid: %w", err)
		}
		info, err := parseKinfo(raw)
		if err != nil {
			return kinfo{}, 0, err
		}
		if info.pid != pid {
			return kinfo{}, 0, fmt.Errorf("sysctl kern.proc.pid: it describes process %d: %w", info.pid, errors.ErrUnsupported)
		}
		after, err := booted()
		if err != nil {
			return kinfo{}, 0, err
		}
		if start, settled := sinceBooted(info.start, before, after); settled {
			return info, start, nil
		}
	}
	return kinfo{}, 0, errors.New("sysctl kern.boottime: it keeps changing")
}

// booted returns the boot time by the present wall clock.
func booted() (time.Duration, error) {
	at, err := unix.SysctlTimeval("kern.boottime")
	if err != nil {
		return 0, fmt.Errorf("sysctl kern.boottime: %w", err)
	}
	return time.Duration(at.Nano()), nil
}

func identify(pid int) (Identity, error) {
	info, start, err := look(pid)
	if err != nil {
		return Identity{}, err
	}
	if info.zombie {
		return Identity{}, ErrGone
	}
	id, err := surroundings()
	if err != nil {
		return Identity{}, err
	}
	id.PID, id.Start = pid, start
	id.Exe, _ = unix.SysctlArgs("kern.proc.pathname", pid) // for people; may be refused for other users' processes
	return id, nil
}

// unreaped reports whether id has ended, but process 1 has not reaped it yet.
func unreaped(id Identity) bool {
	info, start, err := look(id.PID)
	return err == nil && info.zombie && start == id.Start && info.parent == 1
}

// beside is identify for a caller that knows the surroundings. It may leave out the image.
func beside(pid int, _ Identity, _ bool) (Identity, error) { return identify(pid) }

func surroundings() (Identity, error) {
	boot, err := unix.SysctlRaw("kern.boot_id") // since FreeBSD 13
	if err != nil {
		return Identity{}, fmt.Errorf("sysctl kern.boot_id: %w", err)
	}
	return Identity{Boot: hex.EncodeToString(boot)}, nil
}

func owner(pid int) (string, error) {
	info, _, err := look(pid)
	if err != nil {
		return "", err
	}
	return strconv.FormatUint(uint64(info.uid), 10), nil
}
