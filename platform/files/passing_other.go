//go:build unix && !linux && !darwin && !freebsd

package files

import "golang.org/x/sys/unix"

// passing opens a directory only to pass through it. Here one has to be allowed to list it.
const passing = unix.O_RDONLY
