package sockets

// bound reports whether a living socket has the name of a file, even if it does not listen.
func bound(file string) (is bool) {
	eachLine("/proc/net/unix", func(f []string) { is = is || len(f) == 8 && f[7] == file })
	return is
}
