//go:build !linux

package test_test

// These roles are tested on Linux.
func squatterRole() int { return 1 }
func elderRole() int    { return 1 }
func turncoatRole() int { return 1 }
func renamerRole() int  { return 1 }
