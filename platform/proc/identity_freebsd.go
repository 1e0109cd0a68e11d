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

// look is the process of that number, with the start that an [Identity] has.
func look(pid int) (kinfo, uint64, error) {
	const tries = 5 // in each of which somebody would have to set the clock
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
			return kinfo{}, 0, fmt.Errorf("sysctl kern.proc.pid: it is of process %d: %w", info.pid, errors.ErrUnsupported)
		}
		after, err := booted()
		if err != nil {
			return kinfo{}, 0, err
		}
		if start, settled := sinceBooted(info.start, before, after); settled {
			return info, start, nil
		}
	}
	return kinfo{}, 0, errors.New("sysctl kern.boottime: it does not settle")
}

// booted is when the machine was started by the wall clock, as it is set now.
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
	id.Exe, _ = unix.SysctlArgs("kern.proc.pathname", pid) // for people; of others it may be refused
	return id, nil
}

// unreaped reports whether id has ended, and process 1 has yet to take note of that.
func unreaped(id Identity) bool {
	info, start, err := look(id.PID)
	return err == nil && info.zombie && start == id.Start && info.parent == 1
}

// beside is identify, without what only people want to know, for who knows the surroundings.
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
