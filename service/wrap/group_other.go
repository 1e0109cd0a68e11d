//go:build unix && !linux

package wrap

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"
)

// canStore reports whether package kept can keep descriptors on this system.
const canStore = false

func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// fell kills p and its group.
func (s *spawner) fell(p *process) { p.group.kill() }

// end kills the group of p. It returns when no process is left or ctx ends.
func (s *spawner) end(ctx context.Context, p *process) error {
	if p == nil {
		return nil
	}
	for {
		err := syscall.Kill(-p.pid(), syscall.SIGKILL)
		if p.hasEnded() && (errors.Is(err, syscall.ESRCH) || errors.Is(err, syscall.EPERM)) { // EPERM: only zombies are left, of other users
			return nil
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("process group %d did not end: %w", p.pid(), context.Cause(ctx))
		}
	}
}
