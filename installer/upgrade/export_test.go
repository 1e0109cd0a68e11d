package upgrade

// ErrCut ends an upgrade there and then.
var ErrCut = errCut

// CheckSignature verifies a program by what lies beside source.
func CheckSignature(path, source, key string) error { return checkSignature(path, source, key) }
