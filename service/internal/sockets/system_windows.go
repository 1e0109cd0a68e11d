package sockets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// What the system says of an address, or of who listens there.
const (
	errInUse   = windows.WSAEADDRINUSE
	errRefused = windows.WSAECONNREFUSED
	errFull    = windows.WSAEWOULDBLOCK
	errKind    = windows.WSAEPROTOTYPE
)

// inspect: no manager of Windows hands over anything.
func inspect(*os.File) (found, error) { return found{}, errors.ErrUnsupported }

func hasIPv6() bool { return true }

// prepare refuses what Windows does not have.
func (x *socket) prepare(uintptr) error {
	for _, option := range []struct {
		key string
		is  bool
	}{
		{"reuse_port", x.ReusePort},
		{"freebind", x.FreeBind},
		{"backlog", x.Backlog != 0},
		{"mode", x.Mode != ""},
		{"owner", x.Owner != ""},
		{"group", x.Group != ""},
	} {
		if option.is {
			return fmt.Errorf("%s: Windows has no such setting: %w", option.key, errors.ErrUnsupported)
		}
	}
	return nil
}

func (*socket) narrow() (undo func()) { return func() {} }

// setOwner leaves the file as it is: the access list of its directory rules.
func setOwner(string, int, int, fs.FileMode) error { return nil }

const mostBacklog = 0 // there is no such setting

func setBacklog(uintptr, int) error { return errors.ErrUnsupported }
