//go:build unix && !linux

package wrap

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"
)

func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// fell kills p and its group.
func (s *spawner) fell(p *process) { p.group.kill() }

// end kills all that there is of p, and returns when nobody is left or ctx ends.
func (s *spawner) end(ctx context.Context, p *process) error {
	if p == nil {
		return nil
	}
	for {
		err := syscall.Kill(-p.pid(), syscall.SIGKILL)
		if p.hasEnded() && (errors.Is(err, syscall.ESRCH) || errors.Is(err, syscall.EPERM)) { // zombies of others
			return nil
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("process group %d: %w: it does not end", p.pid(), context.Cause(ctx))
		}
	}
}
