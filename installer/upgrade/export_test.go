package upgrade

// ErrCut ends an upgrade immediately.
var ErrCut = errCut

// CheckSignature verifies a program with the signature beside source.
func CheckSignature(path, source, key string) error { return checkSignature(path, source, key) }
