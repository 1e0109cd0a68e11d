//go:build darwin || freebsd

package files

import "golang.org/x/sys/unix"

// passing opens a directory to go through it, where one may not list it, as /home is on some systems.
const passing = unix.O_SEARCH
