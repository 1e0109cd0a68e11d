//go:build unix

package cli_test

import (
	"syscall"
	"testing"
)

// withUmask changes the umask of the process during the test.
func withUmask(t *testing.T, mask int) {
	before := syscall.Umask(mask)
	t.Cleanup(func() { syscall.Umask(before) })
}
