//go:build !linux

package proc_test

// Only Linux has /proc/self/exe.
func executeAgain() {}

func beInit() {}
