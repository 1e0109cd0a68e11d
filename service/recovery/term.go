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

// The longest that a number of 64 bits is, with its newline and some room.
const maxTerm = 64

// ErrTermLost means that what is in the place of a service's term is none. The term
// that is begun instead is greater than any that was counted: it comes from the time
// of the day.
var ErrTermLost = errors.New("term is damaged")

// ReadTerm is the term that was begun last, as the file at path has it; 0 if there is
// none yet. The error wraps ErrTermLost if something else is there.
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
		return 0, fmt.Errorf("%s: %w: it is not one number in a line", path, ErrTermLost)
	}
	return term, nil
}

// BeginTerm begins the next term of the service whose number the file at path holds:
// one more than the last, and more than after, what is known of it from elsewhere.
// Only the holder of the service's name may call it. It does not wait for the disk:
// nobody may be told the number before [SyncTerm] has returned nil.
//
// With an error that wraps [ErrTermLost] the number is good.
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

// SyncTerm returns when the number that BeginTerm wrote to path is on the disk.
func SyncTerm(path string) error {
	f, err := files.Open(path, os.O_RDWR, 0) // Windows syncs nothing that cannot be written
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
