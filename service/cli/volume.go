package cli

import (
	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/service/doctor"
)

// volume returns the file system of dir, with the space for users other than root. id
// distinguishes it from other file systems.
func volume(dir string) (v doctor.Volume, id string, err error) {
	s, err := files.SpaceOf(dir)
	if err != nil {
		return v, "", err
	}
	return doctor.Volume{
		Size: s.Size, Free: s.Free, Files: s.Inodes, Left: s.FreeInodes, ReadOnly: s.ReadOnly, NoExec: s.NoExec, Mount: mountOf(dir),
	}, s.Device, nil
}
