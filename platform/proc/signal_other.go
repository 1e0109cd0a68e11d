//go:build !windows

package proc

import (
	"context"
	"errors"
	"fmt"
	"os"
)

func signal(id Identity, sig os.Signal) error {
	p, err := os.FindProcess(id.PID)
	if err != nil {
		return err
	}
	defer func() { _ = p.Release() }()
	alive, err := id.Alive()
	if err == nil && !alive {
		err = os.ErrProcessDone
	}
	if err == nil {
		err = p.Signal(sig)
	}
	return err
}

func wait(ctx context.Context, id Identity) error { return poll(ctx, id) }

// sinceBoot returns true, because Boot has been compared.
func sinceBoot(Identity) bool { return true }

func listen() (<-chan os.Signal, func() error, error) {
	return nil, nil, fmt.Errorf("requests of other processes: %w: there are signals", errors.ErrUnsupported)
}
