package main

import (
	"os"

	"golang.org/x/sys/unix"
)

func memory() (*os.File, error) {
	fd, err := unix.MemfdCreate("count", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "count"), nil //nolint:gosec // a descriptor
}
