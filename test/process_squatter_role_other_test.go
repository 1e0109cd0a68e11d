//go:build !linux

package test_test

// What these do is tested on Linux.
func squatterRole() int { return 1 }
func elderRole() int    { return 1 }
func turncoatRole() int { return 1 }
func renamerRole() int  { return 1 }
