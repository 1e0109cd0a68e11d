//go:build unix

package native

import (
	"errors"
	"os"
	"syscall"

	"github.com/holdfast-dev/holdfast/platform"
)

var _ platform.Owners = System{}

// Owner returns the owner of the file at path. It does not follow a link.
func (System) Owner(path string) (platform.Owner, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return platform.Owner{}, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return platform.Owner{}, errors.ErrUnsupported
	}
	return platform.Owner{UID: int(st.Uid), GID: int(st.Gid)}, nil
}

// Chown changes the owner of the file at path. It does not follow a link.
func (System) Chown(path string, o platform.Owner) error { return os.Lchown(path, o.UID, o.GID) }
