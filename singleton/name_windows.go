package singleton

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// Mutexes returns the names of the kernel mutexes for Name, in the order in which they are
// claimed. It exists only on Windows, for programs that examine a machine.
func (o Options) Mutexes() []string { return []string{mutexName(o.LockFile()), mutexName(o.PIDFile())} }

// mutexName returns the name of the kernel mutex for the file at path. Names of kernel objects
// are case-sensitive and limited to the old maximum length of a path, and paths are not. So
// the name has a digest of the canonical path.
func mutexName(path string) string {
	path = canonical(path)
	digest := sha256.Sum256([]byte(path))
	return fmt.Sprintf(`Global\holdfast-%s-%x`, filepath.Base(path), digest[:8])
}

// canonical returns path without links, short names, substituted drives and upper case. Only
// an existing path can be resolved; the rest has no links.
func canonical(path string) string {
	below := ""
	for p := filepath.Clean(path); ; p = filepath.Dir(p) {
		if final, err := finalPath(p); err == nil {
			return strings.ToLower(filepath.Join(strings.TrimPrefix(final, `\\?\`), below))
		}
		if p == filepath.Dir(p) {
			return strings.ToLower(filepath.Clean(path))
		}
		below = filepath.Join(filepath.Base(p), below)
	}
}

func finalPath(path string) (string, error) {
	p, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return "", err
	}
	const shared = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	h, err := windows.CreateFile(p, 0, shared, nil, windows.OPEN_EXISTING, windows.FILE_FLAG_BACKUP_SEMANTICS, 0)
	if err != nil {
		return "", err
	}
	defer func() { _ = windows.CloseHandle(h) }()
	buf := make([]uint16, windows.MAX_LONG_PATH)
	n, err := windows.GetFinalPathNameByHandle(h, &buf[0], uint32(len(buf)), 0)
	if err != nil || int(n) > len(buf) {
		return "", errors.Join(err, windows.ERROR_FILENAME_EXCED_RANGE)
	}
	return windows.UTF16ToString(buf[:n]), nil
}

// createMutex creates the named mutex, or fails with errTaken. Children do not inherit the
// handle.
func createMutex(name string) (windows.Handle, error) {
	if there, err := taken(name); there || err != nil {
		return 0, cmp.Or(err, errTaken)
	}
	private, err := proc.Private()
	if err != nil {
		return 0, err
	}
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return 0, err
	}
	h, err := windows.CreateMutex(private, false, p)
	if err == nil {
		return h, nil
	}
	if h != 0 { // a handle to another process's mutex
		_ = windows.CloseHandle(h)
	}
	if exists(err) {
		return 0, errTaken
	}
	return 0, fmt.Errorf("mutex %s: %w", name, err)
}

// exists reports whether err means that the name is taken: by a mutex, by one that we may not
// open, or by another kind of object.
func exists(err error) bool {
	return errors.Is(err, windows.ERROR_ALREADY_EXISTS) || errors.Is(err, windows.ERROR_ACCESS_DENIED) ||
		errors.Is(err, windows.ERROR_INVALID_HANDLE)
}

// taken reports whether the name is taken. It tries to open an event of that name. If there is
// a mutex, the kernel returns ERROR_INVALID_HANDLE and no handle. A handle would keep the
// mutex alive for a moment, even without its holder.
func taken(name string) (bool, error) {
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return false, err
	}
	h, err := windows.OpenEvent(windows.READ_CONTROL, false, p)
	switch {
	case err == nil:
		_ = windows.CloseHandle(h)
		return true, nil
	case errors.Is(err, windows.ERROR_FILE_NOT_FOUND):
		return false, nil
	case exists(err):
		return true, nil
	}
	return false, fmt.Errorf("mutex %s: %w", name, err)
}

// openMutex opens the mutex to examine it. It returns 0 and no error if there is none.
func openMutex(name string) (windows.Handle, error) {
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return 0, err
	}
	h, err := windows.OpenMutex(windows.READ_CONTROL, false, p)
	if errors.Is(err, windows.ERROR_FILE_NOT_FOUND) {
		return 0, nil
	}
	return h, err
}
