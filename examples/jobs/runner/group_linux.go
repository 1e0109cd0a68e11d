package runner

import "syscall"

// dieWithParent makes the kernel kill the command when its keeper dies, however that happens:
// prctl(2), PR_SET_PDEATHSIG.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
