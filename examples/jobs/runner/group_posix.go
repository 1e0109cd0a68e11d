//go:build unix && !linux

package runner

import "syscall"

// dieWithParent does nothing, because no other system can do that: see endLeftover.
func dieWithParent(*syscall.SysProcAttr) {}
