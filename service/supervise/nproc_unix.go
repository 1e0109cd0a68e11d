//go:build unix && !solaris && !illumos

package supervise

import "golang.org/x/sys/unix"

const limitOfProcesses = unix.RLIMIT_NPROC
