package files

import "golang.org/x/sys/unix"

const readOnlyFlag, noExecFlag = unix.ST_RDONLY, unix.ST_NOEXEC
