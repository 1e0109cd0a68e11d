package files_test

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// lease takes a lease on a file that nobody else has open.
func lease(t *testing.T, path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	t.Cleanup(func() { _ = f.Close() })
	_, err = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK)
	return err
}
