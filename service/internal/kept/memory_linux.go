package kept

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// inspect returns an identity of the memory of f, or says why f cannot be kept.
func inspect(f *os.File) (id string, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return "", err
	}
	var is unix.Stat_t
	var failed error
	err = raw.Control(func(fd uintptr) {
		if _, sealed := unix.FcntlInt(fd, unix.F_GET_SEALS, 0); sealed != nil {
			failed = fmt.Errorf("it is not memory of memfd_create(2): %w", os.NewSyscallError("fcntl", sealed))
			return
		}
		failed = os.NewSyscallError("fstat", unix.Fstat(int(fd), &is)) //nolint:gosec // a descriptor
	})
	switch {
	case err != nil:
		return "", err
	case failed != nil:
		return "", failed
	case is.Nlink != 0:
		return "", fmt.Errorf("it is a named file, not memory of memfd_create(2)")
	case is.Size > MaxSize:
		return "", fmt.Errorf("it has %d bytes, and at most %d are kept", is.Size, MaxSize)
	}
	return fmt.Sprintf("%d:%d", is.Dev, is.Ino), nil
}

// duplicate returns another descriptor of f.
func duplicate(f *os.File) (*os.File, error) {
	n, err := rawDuplicate(f)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(n), f.Name()), nil //nolint:gosec // a descriptor
}
