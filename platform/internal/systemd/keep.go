package systemd

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/holdfast-dev/holdfast/platform"
)

// Keep puts another descriptor of f into the store of the service, FDSTORE=1 of
// sd_notify(3): the next process gets it among its Files, under that name. Without a
// FileDescriptorStoreMax= in the unit systemd throws it away, and does not say so. It
// blocks while systemd does not read, at most until ctx ends.
func (n *Notifier) Keep(ctx context.Context, name string, f *os.File) error {
	// systemd is not to watch it: it would drop what has an error to tell.
	return n.store(ctx, "FDSTORE=1\nFDPOLL=0\nFDNAME="+name+"\n", f)
}

// Forget has systemd close all that is in the store under name. It blocks as Keep does.
func (n *Notifier) Forget(ctx context.Context, name string) error {
	return n.store(ctx, "FDSTOREREMOVE=1\nFDNAME="+name+"\n", nil)
}

func (n *Notifier) store(ctx context.Context, text string, f *os.File) error {
	if n.address == "" {
		return fmt.Errorf("the store of file descriptors: %w", platform.ErrUnsupported)
	}
	var s socket // of its own: one that waits here keeps nobody from being told the rest
	err := s.sendFile(n.address, []byte(text), f)
	for errors.Is(err, platform.ErrTimeout) && ctx.Err() == nil {
		err = s.sendFile(n.address, []byte(text), f)
	}
	if err != nil {
		err = fmt.Errorf("the store of file descriptors of systemd at %q: %w", n.address, err)
	}
	return errors.Join(err, s.close())
}
