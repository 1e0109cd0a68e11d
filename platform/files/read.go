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

// MaxRecord is how long a record that a service writes about itself may be, in
// bytes: a state file, a last-run record. They have a few hundred.
const MaxRecord = 1 << 20

// ErrMalformed means that a file could be read and is not what it should be.
var ErrMalformed = errors.New("not what belongs there")

// OpenToRead opens the regular file at path for reading, whoever may have put it
// there: it refuses, with ErrUntrusted, a symbolic link, a directory, a FIFO and
// a device, and waits for none of them, nor for a lease on a file (fcntl(2),
// F_SETLEASE). Others can rename, replace and remove the file in the meantime.
func OpenToRead(path string) (*os.File, error) {
	f, _, err := openRegular(path, func() (*os.File, error) { return openToRead(path) })
	return f, err
}

// OpenOneName is OpenToRead of a file whose content is shown: it refuses, with ErrUntrusted,
// also one that has a second name (see [Open]), by which somebody could have us show
// what he cannot read himself.
func OpenOneName(path string) (*os.File, error) {
	return openOneName(path, func() (*os.File, error) { return openToRead(path) })
}

// Read returns the whole of a file that somebody else may have put there, such as
// a record in a directory of the service's user, and when it was written last. It
// opens it as OpenToRead does and refuses, with ErrUntrusted, also a file that has
// a second name (see [Open]), and one by its owner: it has to belong to whom its directory
// belongs to, to the system's administrator or to us; where a group may write, it may
// be anybody's that everybody may read. In a directory of another
// user, a file of the administrator's or ours has to be one that everybody may
// read: that user could have given a name there to any file (link(2)), and we read
// nothing for him that he could not read himself. The error is ErrMalformed if it
// is longer than limit bytes.
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
	_ = f.Close() // soon: on Windows it is in the way of the file's replacement
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

// readUpTo is io.ReadAll of at most limit bytes, for a file that had size a moment ago: what
// came since is not waited for.
func readUpTo(f *os.File, limit, size int64) ([]byte, error) {
	content := make([]byte, min(max(size, 0), limit))
	n, err := io.ReadFull(f, content)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF): // it was truncated since
		return content[:n], nil
	case size > 0 || err != nil:
		return content, err
	}
	return io.ReadAll(io.LimitReader(f, limit)) // one that does not say its size, such as those in /proc
}

// ReadTrusted is Read for a record by which the administrator, or whoever calls it,
// acts: it refuses, with ErrUntrusted, one that anybody else than these two could
// have written, be it by the file's owner and mode or by those of its directory.
func ReadTrusted(path string, limit int64) ([]byte, error) {
	return AllTrusted(filepath.Dir(path))(filepath.Base(path), limit)
}

// AllTrusted returns [ReadTrusted] for the files of one directory, by their names in it: the
// directory itself is examined once, when the first is read. In one that is to be trusted
// nobody else can replace a file from then on. Several goroutines may use it.
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

// Owned refuses, with ErrUntrusted, the file or directory at path, with which info came,
// if by its owner and mode anybody but root could have written it, or, where own is set,
// but root and us. On Windows owner and access list say it, of SYSTEM and Administrators in
// the place of root; an administrator believes what is his own as well.
func Owned(path string, info fs.FileInfo, own bool) error { return owned(path, info, own) }

// DecodeJSON decodes the content of a file into v. The error is ErrMalformed if it
// does not fit, and then says nothing of the content, which may be none of the
// reader's business.
func DecodeJSON(content []byte, v any) error {
	err := json.Unmarshal(content, v)
	if at, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("%w: no JSON from byte %d on", ErrMalformed, at.Offset)
	}
	if err != nil {
		return fmt.Errorf("%w: a value in its JSON is of another kind", ErrMalformed)
	}
	return nil
}

// ReadFile reads a file of the administrator's whole, such as a unit file: where
// its directory belongs to the administrator or to us, a link is followed, and one
// to a device is empty (what systemd has masked leads to /dev/null). A FIFO is
// refused and not waited for. In a directory of another user it is [Read], up to
// MaxRecord bytes.
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
