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

// replaced reports whether the program on disk differs from the one that the holder runs. It
// looks at the path where the holder's program was at its start, and at program, which its
// manager starts (empty: not known). A file with the same content is the same program. If the
// system does not say which file a process runs, the holder's own record counts. The program
// then differs if it has another path, or if the file was written since.
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

// gone reports whether nothing exists at path.
func gone(path string) bool {
	_, err := os.Stat(strings.TrimSuffix(path, " (deleted)"))
	return path != "" && errors.Is(err, fs.ErrNotExist)
}

// isScript reports whether path is a script. It starts another program, which an update does
// not change.
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

// openProgram opens a program, through links, without blocking. The service's user may have
// written the path into a record.
func openProgram(path string) (*os.File, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	return files.OpenToRead(path)
}

// mostCompared limits the size of programs that are compared byte by byte. A sparse file can
// have any length, and would keep root busy for hours.
const mostCompared = 512 << 20

// sameProgram reports whether two files have the same content. It is false for files larger
// than mostCompared.
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
