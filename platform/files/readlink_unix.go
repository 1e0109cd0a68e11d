//go:build unix && !solaris && !illumos

package files

import "golang.org/x/sys/unix"

func readlinkat(dir int, name string, b []byte) (int, error) { return unix.Readlinkat(dir, name, b) }
