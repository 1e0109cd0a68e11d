package files

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/windows"
)

func spaceOf(dir string) (Space, error) {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return Space{}, &os.PathError{Op: "GetDiskFreeSpaceEx", Path: dir, Err: err}
	}
	s := Space{Device: strings.ToUpper(filepath.VolumeName(dir))}
	if err := windows.GetDiskFreeSpaceEx(name, &s.Free, &s.Size, nil); err != nil {
		return Space{}, &os.PathError{Op: "GetDiskFreeSpaceEx", Path: dir, Err: err}
	}
	return s, nil
}
