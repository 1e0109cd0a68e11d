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

// set writes to a field that is signed on FreeBSD and unsigned elsewhere.
func set[T int64 | uint64](field *T, n uint64) { *field = T(n) }

// noNewPrivileges does nothing: only Linux has this setting.
func noNewPrivileges() error { return nil }
