package upgrade

// ErrCut ends an upgrade immediately.
var ErrCut = errCut

// CheckSignature verifies a program with the signature beside source.
func CheckSignature(path, source, key string) error { return checkSignature(path, source, key) }

// ELFEnd returns the length that an ELF file must have.
var ELFEnd = elfEnd

// Whole checks that an ELF file is not truncated.
var Whole = whole

// KindOf describes the kind of a program.
func KindOf(path string) (format, machine string, err error) {
	k, err := kindOf(path)
	return k.format, k.machine, err
}
