//go:build darwin || freebsd

package files

import "golang.org/x/sys/unix"

// passing opens a directory only to pass through it. It works for a directory that one may not
// list, such as /home on some systems.
const passing = unix.O_SEARCH
