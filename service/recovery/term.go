package recovery

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// maxTerm is enough for a 64-bit number and its newline.
const maxTerm = 64

// ErrTermLost means that the file of a service's term is damaged. The new term is derived from
// the time of day, which is greater than any earlier term.
var ErrTermLost = errors.New("term is damaged")

// ReadTerm returns the last term in the file at path, or 0 if there is none yet. The error
// wraps ErrTermLost if the file has other content.
func ReadTerm(path string) (uint64, error) {
	content, _, err := files.Read(path, maxTerm)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, nil
	case errors.Is(err, files.ErrMalformed), errors.Is(err, files.ErrUntrusted):
		return 0, fmt.Errorf("%w: %w", ErrTermLost, err)
	case err != nil:
		return 0, fmt.Errorf("term: %w", err)
	}
	line, whole := strings.CutSuffix(string(content), "\n")
	term, err := strconv.ParseUint(line, 10, 64)
	if err != nil || !whole {
		return 0, fmt.Errorf("%s: %w: it is not a single line with a number", path, ErrTermLost)
	}
	return term, nil
}

// BeginTerm begins the next term of the service whose term is in the file at path. It is
// greater than the last one, and greater than after, which is known from elsewhere. Only the
// holder of the service's name may call it. BeginTerm does not wait for the disk: the number
// must not be given to anybody before [SyncTerm] has returned nil.
//
// If the error wraps [ErrTermLost], the number is valid.
func BeginTerm(path string, after uint64) (uint64, error) {
	last, lost := ReadTerm(path)
	if lost != nil && !errors.Is(lost, ErrTermLost) {
		return 0, lost
	}
	term := max(last, after) + 1
	if lost != nil {
		term = max(term, uint64(max(time.Now().Unix(), 0)))
	}
	if err := files.Replace(path, []byte(strconv.FormatUint(term, 10)+"\n"), 0o644, false); err != nil {
		return 0, fmt.Errorf("term: %w", err)
	}
	return term, lost
}

// SyncTerm blocks until the number that BeginTerm wrote to path is on disk.
func SyncTerm(path string) error {
	f, err := files.Open(path, os.O_RDWR, 0) // Windows syncs only writable files
	if err == nil {
		err = f.Sync()
		if e := f.Close(); err == nil {
			err = e
		}
	}
	if err == nil {
		err = files.SyncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("term: %w", err)
	}
	return nil
}
