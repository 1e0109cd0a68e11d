package systemd

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/holdfast-dev/holdfast/platform"
)

// Keep puts a duplicate of the descriptor of f into the store of the service (FDSTORE=1 of
// sd_notify(3)). The next process gets it among its Files, under that name. If the unit has no
// FileDescriptorStoreMax=, systemd discards it silently. Keep blocks while systemd does not
// read, at most until ctx ends.
func (n *Notifier) Keep(ctx context.Context, name string, f *os.File) error {
	// systemd must not watch it, because it would close a descriptor that has an error.
	return n.store(ctx, "FDSTORE=1\nFDPOLL=0\nFDNAME="+name+"\n", f)
}

// Forget makes systemd close everything that is in the store under name. It blocks as Keep
// does.
func (n *Notifier) Forget(ctx context.Context, name string) error {
	return n.store(ctx, "FDSTOREREMOVE=1\nFDNAME="+name+"\n", nil)
}

func (n *Notifier) store(ctx context.Context, text string, f *os.File) error {
	if n.address == "" {
		return fmt.Errorf("the store of file descriptors: %w", platform.ErrUnsupported)
	}
	var s socket // a separate one, so that this wait does not delay other messages
	err := s.sendFile(n.address, []byte(text), f)
	for errors.Is(err, platform.ErrTimeout) && ctx.Err() == nil {
		err = s.sendFile(n.address, []byte(text), f)
	}
	if err != nil {
		err = fmt.Errorf("the store of file descriptors of systemd at %q: %w", n.address, err)
	}
	return errors.Join(err, s.close())
}
