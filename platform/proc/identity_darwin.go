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
	if info.Proc.P_stat == statZombie {
		return Identity{}, ErrGone
	}
	id, err := surroundings()
	if err != nil {
		return Identity{}, err
	}
	id.PID, id.Start = pid, startOf(info)
	id.Exe = image(pid)
	return id, nil
}

const statZombie = 5 // SZOMB in <sys/proc.h>

func startOf(info *unix.KinfoProc) uint64 {
	start := info.Proc.P_starttime
	return uint64(start.Sec)*1e6 + uint64(start.Usec)
}

// unreaped reports whether id has ended, but process 1 has not reaped it yet.
func unreaped(id Identity) bool {
	info, err := unix.SysctlKinfoProc("kern.proc.pid", id.PID)
	return err == nil && info.Proc.P_stat == statZombie && startOf(info) == id.Start && info.Eproc.Ppid == 1
}

// image returns "" for another user's process, unless we are root.
func image(pid int) string {
	raw, err := unix.SysctlRaw("kern.procargs2", pid)
	if err != nil {
		return ""
	}
	return parseArguments(raw)
}

// beside is identify for a caller that knows the surroundings. It may leave out the image.
func beside(pid int, _ Identity, _ bool) (Identity, error) { return identify(pid) }

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
