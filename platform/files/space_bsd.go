//go:build darwin || freebsd

package files

import "golang.org/x/sys/unix"

const readOnlyFlag, noExecFlag = unix.MNT_RDONLY, unix.MNT_NOEXEC
