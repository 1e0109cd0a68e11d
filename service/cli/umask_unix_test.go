//go:build unix

package cli_test

import (
	"syscall"
	"testing"
)

// withUmask has the process have another umask for the time of the test.
func withUmask(t *testing.T, mask int) {
	before := syscall.Umask(mask)
	t.Cleanup(func() { syscall.Umask(before) })
}
