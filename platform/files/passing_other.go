//go:build unix && !linux && !darwin && !freebsd

package files

import "golang.org/x/sys/unix"

// passing opens a directory to go through it; here it has to be one that we may list.
const passing = unix.O_RDONLY
