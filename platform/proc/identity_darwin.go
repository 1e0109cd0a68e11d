package proc

import (
	"errors"
	"fmt"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

func identify(pid int) (Identity, error) {
	info, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		// An unknown pid gives an empty answer, which x/sys reports as EIO.
		if kill := syscall.Kill(pid, 0); errors.Is(kill, syscall.ESRCH) {
			return Identity{}, ErrGone
		}
		return Identity{}, fmt.Errorf("sysctl kern.proc.pid: %w", err)
	}
	const zombie = 5 // SZOMB in <sys/proc.h>
	if info.Proc.P_stat == zombie {
		return Identity{}, ErrGone
	}
	id, err := surroundings()
	if err != nil {
		return Identity{}, err
	}
	start := info.Proc.P_starttime
	id.PID = pid
	id.Start = uint64(start.Sec)*1e6 + uint64(start.Usec)
	id.Exe = image(pid)
	return id, nil
}

// image is empty where we may not know: another user's process, unless we are root.
func image(pid int) string {
	raw, err := unix.SysctlRaw("kern.procargs2", pid)
	if err != nil {
		return ""
	}
	return parseArguments(raw)
}

func surroundings() (Identity, error) {
	boot, err := unix.Sysctl("kern.bootsessionuuid")
	if err != nil {
		return Identity{}, fmt.Errorf("sysctl kern.bootsessionuuid: %w", err)
	}
	return Identity{Boot: boot}, nil
}

func owner(pid int) (string, error) {
	info, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		return "", err
	}
	return strconv.Itoa(int(info.Eproc.Ucred.Uid)), nil
}
