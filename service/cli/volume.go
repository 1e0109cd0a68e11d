package cli

import (
	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/service/doctor"
)

// volume is the file system that dir is on, for those who are not root; id tells it from
// others.
func volume(dir string) (v doctor.Volume, id string, err error) {
	s, err := files.SpaceOf(dir)
	if err != nil {
		return v, "", err
	}
	return doctor.Volume{
		Size: s.Size, Free: s.Free, Files: s.Inodes, Left: s.FreeInodes, ReadOnly: s.ReadOnly, NoExec: s.NoExec, Mount: mountOf(dir),
	}, s.Device, nil
}
