package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
)

// openAtOnce opens an existing file without waiting. CreateFile waits for the holder of an
// opportunistic lock, for ever if that does not respond (docs: Breaking Oplocks). It lacks the
// option of NtCreateFile to report the lock instead.
func openAtOnce(path string, access, share, options uint32) (*os.File, error) {
	var h windows.Handle
	err := func() error {
		full, err := ntPath(path)
		if err != nil {
			return err
		}
		name, err := windows.NewNTUnicodeString(full)
		if err != nil {
			return err
		}
		var status windows.IO_STATUS_BLOCK
		at := windows.OBJECT_ATTRIBUTES{ObjectName: name, Attributes: windows.OBJ_CASE_INSENSITIVE}
		at.Length = uint32(unsafe.Sizeof(at))
		err = windows.NtCreateFile(&h, access|windows.SYNCHRONIZE|windows.FILE_READ_ATTRIBUTES, &at, &status, nil,
			windows.FILE_ATTRIBUTE_NORMAL, share, windows.FILE_OPEN,
			options|windows.FILE_SYNCHRONOUS_IO_NONALERT|windows.FILE_NON_DIRECTORY_FILE|windows.FILE_COMPLETE_IF_OPLOCKED, 0, 0)
		nt, ok := errors.AsType[windows.NTStatus](err)
		switch {
		case !ok:
			return err
		case nt == windows.STATUS_OPLOCK_BREAK_IN_PROGRESS: // the file is open, but the first read or write would wait
			_ = windows.CloseHandle(h)
			return fmt.Errorf("%w (an opportunistic lock)", ErrInUse)
		case nt == windows.STATUS_SHARING_VIOLATION:
			return fmt.Errorf("%w: %w", ErrInUse, nt.Errno())
		}
		return nt.Errno()
	}()
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(h), path), nil
}

// ntPath converts a path to the kernel's form.
func ntPath(path string) (string, error) {
	const kernels = `\??\`
	for _, prefix := range []string{`\\?\`, `\\.\`} { // only the prefix differs
		if rest, ok := strings.CutPrefix(path, prefix); ok {
			return kernels + rest, nil
		}
	}
	full, err := filepath.Abs(path) // GetFullPathName
	if err != nil {
		return "", err
	}
	if rest, ok := strings.CutPrefix(full, `\\`); ok && !strings.HasPrefix(rest, `.\`) {
		return kernels + `UNC\` + rest, nil
	}
	return kernels + strings.TrimPrefix(full, `\\.\`), nil // a device, such as NUL
}
