//go:build unix

package singleton

import "os"

// Signed tells whether the lock file at path carries its own signature.
func Signed(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	return (&heldFile{grip: grip{f}}).vouchedFor()
}
