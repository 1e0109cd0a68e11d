package proc

import (
	"bytes"
	"path"
)

// parseArguments takes the path by which a process was executed from what
// kern.procargs2 of Darwin holds: an int argc, then that path up to a NUL, then the
// arguments. There is no other record of it: of one that was executed by a
// relative path the image is not known.
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
