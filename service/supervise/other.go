//go:build !unix

package supervise

import (
	"context"
	"errors"
	"fmt"
	"os"
)

func (p Parent) run(context.Context) (int, error) {
	return 0, fmt.Errorf("supervise a service: %w", errors.ErrUnsupported)
}

func (s Spawn) exec() error { return fmt.Errorf("spawn a service: %w", errors.ErrUnsupported) }

func lend(context.Context, int, int, func()) error {
	return fmt.Errorf("lend sockets: %w", errors.ErrUnsupported)
}

func lendings() []*os.File { return nil }
