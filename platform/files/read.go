package files

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// MaxRecord is the largest size of a record that a service writes about itself, in bytes: a
// state file, a last-run record. Actual records have a few hundred bytes.
const MaxRecord = 1 << 20

// ErrMalformed means that a file could be read, but its content is invalid.
var ErrMalformed = errors.New("does not hold the expected data")

// OpenToRead opens the regular file at path for reading, even if somebody else could have put
// it there. It refuses, with ErrUntrusted, a symbolic link, a directory, a FIFO or a device.
// It does not block on any of them, nor on a lease (fcntl(2), F_SETLEASE). Others can rename,
// replace and remove the file while it is open.
func OpenToRead(path string) (*os.File, error) {
	f, _, err := openRegular(path, func() (*os.File, error) { return openToRead(path) })
	return f, err
}

// OpenOneName is [OpenToRead] for a file whose content will be shown to others. It also
// refuses, with ErrUntrusted, a file with several hard links (see [Open]). With such a link a
// user could make us show a file that he cannot read himself.
func OpenOneName(path string) (*os.File, error) {
	f, _, err := openOneName(path, func() (*os.File, error) { return openToRead(path) })
	return f, err
}

// Read returns the content of a file that somebody else may have put there, such as a record
// in a directory of the service's user, and the time of its last modification. It opens the
// file like [OpenToRead]. The error is ErrMalformed if the content is longer than limit bytes.
//
// Read also refuses, with ErrUntrusted, a file with several hard links (see [Open]), and one
// with an unexpected owner. The owner must be that of the directory, an administrator or this
// process's user. If a group may write to the directory, a file that everybody may read can
// have any owner. In a directory of another user, a file of an administrator or of this
// process's user must be one that everybody may read. That user could have linked any file
// there (link(2)), and must not make us read what he cannot read himself.
func Read(path string, limit int64) (content []byte, written time.Time, err error) {
	content, info, err := read(path, limit)
	if err != nil {
		return nil, time.Time{}, err
	}
	return content, info.ModTime(), nil
}

func read(path string, limit int64) (content []byte, info fs.FileInfo, err error) {
	f, info, err := openRegular(path, func() (*os.File, error) { return openToRead(path) })
	if err != nil {
		return nil, nil, err
	}
	err = oneName(f, info, path)
	var owner string
	if err == nil {
		owner, err = ownerOf(f, info)
	}
	if err == nil {
		content, err = readUpTo(f, limit+1, info.Size())
	}
	_ = f.Close() // early: on Windows an open file hinders its replacement
	if err == nil {
		err = trustOwner(owner, info, path)
	}
	if err == nil && int64(len(content)) > limit {
		err = fmt.Errorf("%s: %w: it is longer than %d bytes", path, ErrMalformed, limit)
	}
	if err != nil {
		return nil, nil, err
	}
	return content, info, nil
}

// readUpTo reads at most limit bytes from a file that had the given size a moment ago. It does
// not wait for data that were added later.
func readUpTo(f *os.File, limit, size int64) ([]byte, error) {
	content := make([]byte, min(max(size, 0), limit))
	n, err := io.ReadFull(f, content)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF): // it has been truncated meanwhile
		return content[:n], nil
	case size > 0 || err != nil:
		return content, err
	}
	return io.ReadAll(io.LimitReader(f, limit)) // a file without a size, such as those in /proc
}

// ReadTrusted is [Read] for a record that controls what root, or this process, does. It also
// refuses, with ErrUntrusted, a record that anybody but root and this process's user could
// have written, judging by the owner and mode of the file and of its directory. On Windows,
// administrators take the place of root.
func ReadTrusted(path string, limit int64) ([]byte, error) {
	return AllTrusted(filepath.Dir(path))(filepath.Base(path), limit)
}

// AllTrusted returns a function that does the same as [ReadTrusted], for the files of one
// directory, by name. The directory is checked only once, at the first call. In a trusted
// directory nobody else can replace files later. The function may be called by several
// goroutines.
func AllTrusted(dir string) func(name string, limit int64) ([]byte, error) {
	examine := sync.OnceValue(func() error {
		if err := CheckDir(dir); err != nil {
			return err
		}
		return trustDirAlone(dir)
	})
	return func(name string, limit int64) ([]byte, error) {
		path := filepath.Join(dir, name)
		content, info, err := read(path, limit)
		if err == nil {
			err = examine()
		}
		if err == nil {
			err = trustFileAlone(path, info)
		}
		if err != nil {
			return nil, err
		}
		return content, nil
	}
}

// Owned refuses, with ErrUntrusted, the file or directory at path, described by info, if owner
// and mode allow anybody but root to write to it. With own set, this process's user is
// allowed, too. On Windows, owner and access list decide; SYSTEM and Administrators take the
// place of root, and a process with an administrator's rights also accepts files of its own
// user.
func Owned(path string, info fs.FileInfo, own bool) error { return owned(path, info, own) }

// DecodeJSON decodes the content of a file into v. The error is ErrMalformed if the content
// does not fit. Its text reveals nothing of the content, which the reader may not be allowed
// to see.
func DecodeJSON(content []byte, v any) error {
	err := json.Unmarshal(content, v)
	if at, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("%w: invalid JSON at byte %d", ErrMalformed, at.Offset)
	}
	if err != nil {
		return fmt.Errorf("%w: a value in its JSON has the wrong type", ErrMalformed)
	}
	return nil
}

// ReadFile reads a file of the administrator, such as a unit file. If the directory belongs to
// the administrator or to this process's user, links are followed, and a character device
// counts as empty (systemd masks a unit by a link to /dev/null). A FIFO is refused without
// blocking. In a directory of another user, ReadFile is [Read] with a limit of MaxRecord
// bytes.
func ReadFile(path string) ([]byte, error) {
	if !oursAlone(filepath.Dir(path)) {
		content, _, err := Read(path, MaxRecord)
		return content, err
	}
	if info, err := os.Stat(path); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		return nil, nil
	}
	f, _, err := openRegular(path, func() (*os.File, error) { return openThrough(path) })
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
