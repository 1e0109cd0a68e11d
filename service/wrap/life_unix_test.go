//go:build unix

package wrap_test

import "syscall"

func canNotify() bool { return true }

const reloadSignal = syscall.SIGUSR1
