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

// Mutexes are the names of the mutexes that stand for Name, in the order in which
// they are taken. Windows only, for whoever examines a machine.
func (o Options) Mutexes() []string { return []string{mutexName(o.LockFile()), mutexName(o.PIDFile())} }

// mutexName is the name of the mutex that stands for the file at path. Names of
// the kernel's objects are case-sensitive and may be no longer than a path once
// was, and those of files are not: so it is a digest, of the path in one of its
// many spellings.
func mutexName(path string) string {
	path = canonical(path)
	digest := sha256.Sum256([]byte(path))
	return fmt.Sprintf(`Global\holdfast-%s-%x`, filepath.Base(path), digest[:8])
}

// canonical is path without links, short names, substituted drives and upper
// case. Only what exists can be looked at; what does not has no links in it.
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

// createMutex makes the mutex of that name, or fails with errTaken. Its handle is
// not inherited by children.
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
	if h != 0 { // ours is one more handle on somebody else's
		_ = windows.CloseHandle(h)
	}
	if exists(err) {
		return 0, errTaken
	}
	return 0, fmt.Errorf("mutex %s: %w", name, err)
}

// exists reports whether err is what the kernel says of a name that is taken: by a
// mutex, by one that is not for us, by something that is no mutex.
func exists(err error) bool {
	return errors.Is(err, windows.ERROR_ALREADY_EXISTS) || errors.Is(err, windows.ERROR_ACCESS_DENIED) ||
		errors.Is(err, windows.ERROR_INVALID_HANDLE)
}

// taken reports whether the name is taken. It asks for an event: of a mutex the
// kernel then says that it is none (ERROR_INVALID_HANDLE), and gives no handle,
// which would keep the mutex in place of its holder for a moment.
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

// openMutex opens the mutex to look at it. No error and no handle: there is none.
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
