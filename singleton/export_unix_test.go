//go:build unix

package singleton

import "os"

// Signed reports whether the mutex at path carries its own signature.
func Signed(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	return mutex{&heldFile{handle: handle{file: f}}}.vouchedFor()
}
