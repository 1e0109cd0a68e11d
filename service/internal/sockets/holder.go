package sockets

import (
	"errors"
	"fmt"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

// A Holder is a process that has a socket open.
type Holder struct {
	PID  int
	Name string // of its program, as ps(1) shows it
}

func (h Holder) String() string { return fmt.Sprintf("process %d (%s)", h.PID, h.Name) }

// Holders returns the processes that listen at an address, or at one that excludes it. On
// systems other than Linux it returns none. It finds only processes that the caller may
// examine, so that root alone gets them all.
func Holders(a platform.SocketAddress) []Holder { return holders(a) }

// inUse adds the names of the holders to an error that says that an address is in use.
func inUse(a platform.SocketAddress, err error) error {
	if !errors.Is(err, errInUse) {
		return err
	}
	names := []string{}
	for _, h := range Holders(a) {
		names = append(names, h.String())
	}
	if len(names) == 0 {
		return err
	}
	return fmt.Errorf("%w: %s listens there", err, strings.Join(names, ", "))
}
