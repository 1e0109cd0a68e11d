package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/singleton"
)

// replaced reports whether there is another program by now than the one that the
// holder runs: where that was when it was started, or at program, which is what its
// manager starts (empty: not known). A file of the same content is the same program.
// Where the system does not say which file a process runs, the holder did, and it is
// another one, or one that was written since.
func replaced(h singleton.Holder, program string) bool {
	image := fmt.Sprintf("/proc/%d/exe", h.PID)
	runs, err := os.Stat(image)
	if err != nil {
		image = ""
	}
	before := strings.TrimSuffix(h.Exe, " (deleted)")
	if program == before || isScript(program) {
		program = ""
	}
	for _, path := range []string{before, program} {
		now, err := os.Stat(path)
		switch {
		case path == "" || err != nil:
		case image == "":
			id := files.Inode(now)
			if h.Image != "" && id != "" && h.Image != id || !h.Since.IsZero() && now.ModTime().After(h.Since) {
				return true
			}
		case !os.SameFile(now, runs) && !sameProgram(path, now, image, runs):
			return true
		}
	}
	return false
}

// gone reports whether there is nothing at path.
func gone(path string) bool {
	_, err := os.Stat(strings.TrimSuffix(path, " (deleted)"))
	return path != "" && errors.Is(err, fs.ErrNotExist)
}

// isScript reports whether path is a script: what it starts is another program, and
// the same one as ever.
func isScript(path string) bool {
	f, err := openProgram(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var head [2]byte
	_, err = io.ReadFull(f, head[:])
	return err == nil && string(head[:]) == "#!"
}

// openProgram opens a program, by way of links, and waits for nothing: its path may
// be what the service's user has written into a record.
func openProgram(path string) (*os.File, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	return files.OpenToRead(path)
}

// mostCompared is how long programs may be that are compared byte by byte: a file
// with nothing in it may be of any length, and keep root busy for hours.
const mostCompared = 512 << 20

// sameProgram reports whether two files have the same content. Of very long ones it
// is not known, and another file is another program.
func sameProgram(a string, aInfo fs.FileInfo, b string, bInfo fs.FileInfo) bool {
	if aInfo.Size() != bInfo.Size() || aInfo.Size() > mostCompared || !aInfo.Mode().IsRegular() {
		return false
	}
	one, err := openProgram(a)
	if err != nil {
		return false
	}
	defer one.Close()
	other, err := os.Open(b)
	if err != nil {
		return false
	}
	defer other.Close()
	var left, right [64 << 10]byte
	for {
		n, err := io.ReadFull(one, left[:])
		m, errB := io.ReadFull(other, right[:])
		if n != m || !bytes.Equal(left[:n], right[:m]) || (err == nil) != (errB == nil) {
			return false
		}
		if err != nil {
			return err == io.EOF || err == io.ErrUnexpectedEOF
		}
	}
}
