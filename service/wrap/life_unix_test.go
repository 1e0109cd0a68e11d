//go:build unix

package wrap_test

import "syscall"

func canNotify() bool { return true }

const reloadSignal = syscall.SIGUSR1

// ownSession starts a command in a session of its own.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
