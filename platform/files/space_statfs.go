//go:build linux || darwin || freebsd

package files

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

func spaceOf(dir string) (Space, error) {
	var s unix.Statfs_t
	for {
		err := unix.Statfs(dir, &s)
		if err == nil {
			break
		}
		if err != unix.EINTR { //nolint:errorlint // returned by a system call itself
			return Space{}, &os.PathError{Op: "statfs", Path: dir, Err: err}
		}
	}
	var st unix.Stat_t // some file systems have no id in a Statfs_t
	if err := unix.Stat(dir, &st); err != nil {
		return Space{}, &os.PathError{Op: "stat", Path: dir, Err: err}
	}
	// The types differ between systems. On FreeBSD the number of available blocks can be
	// negative.
	block := amount(s.Bsize)
	return Space{
		Free: amount(s.Bavail) * block, Size: amount(s.Blocks) * block,
		FreeInodes: amount(s.Ffree), Inodes: amount(s.Files), Device: fmt.Sprint(st.Dev),
		ReadOnly: uint64(s.Flags)&readOnlyFlag != 0, NoExec: uint64(s.Flags)&noExecFlag != 0, //nolint:gosec,unconvert // its type differs by system
	}, nil
}

func amount[T int32 | int64 | uint32 | uint64](n T) uint64 {
	if n < 0 {
		return 0
	}
	return uint64(n)
}
