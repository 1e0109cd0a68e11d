//go:build unix && !linux

package main

import "syscall"

// dieWithParent: nothing does that here; see endLeftover.
func dieWithParent(*syscall.SysProcAttr) {}
