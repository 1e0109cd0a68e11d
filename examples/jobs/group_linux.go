package main

import "syscall"

// dieWithParent has the kernel kill the command when its keeper dies, however it does: prctl(2), PR_SET_PDEATHSIG.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
