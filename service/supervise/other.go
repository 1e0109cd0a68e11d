//go:build !unix

package supervise

import (
	"context"
	"errors"
	"fmt"
)

func (p Parent) run(context.Context) (int, error) {
	return 0, fmt.Errorf("supervise a service: %w", errors.ErrUnsupported)
}

func (s Spawn) exec() error { return fmt.Errorf("spawn a service: %w", errors.ErrUnsupported) }

func carry(context.Context, int, []string) (int, error) {
	return -1, fmt.Errorf("carry sockets: %w", errors.ErrUnsupported)
}
