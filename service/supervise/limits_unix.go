//go:build unix && !linux

package supervise

import "syscall"

func setLimit(resource int, n uint64) error {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(resource, &l); err != nil {
		return err
	}
	set(&l.Cur, n)
	set(&l.Max, n)
	return syscall.Setrlimit(resource, &l)
}

// The fields are signed on FreeBSD.
func set[T int64 | uint64](field *T, n uint64) { *field = T(n) }

// noNewPrivileges is Linux's alone.
func noNewPrivileges() error { return nil }
