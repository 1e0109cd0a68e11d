package upgrade

import "io"

// ErrCut ends an upgrade there and then.
var ErrCut = errCut

// Blake2b512 is what minisign signs of a file.
func Blake2b512(r io.Reader) ([64]byte, error) { return blake2b512(r) }

// CheckSignature verifies a program by what lies beside source.
func CheckSignature(path, source, key string) error { return checkSignature(path, source, key) }
