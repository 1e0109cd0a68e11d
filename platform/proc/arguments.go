package proc

import (
	"bytes"
	"path"
)

// parseArguments returns the path by which a process was executed, from Darwin's
// kern.procargs2. This begins with an int argc and that path up to a NUL; the arguments
// follow. No other record of the path exists. If it is relative, the image is unknown, and the
// result is "".
func parseArguments(raw []byte) string {
	const argc = 4
	if len(raw) < argc {
		return ""
	}
	image, _, ended := bytes.Cut(raw[argc:], []byte{0})
	if !ended || !path.IsAbs(string(image)) {
		return ""
	}
	return string(image)
}
