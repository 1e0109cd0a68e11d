package sysv

import (
	"context"
	"fmt"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/initd"
)

// Exit codes of the script's actions that say more than "failed".
const (
	codeNotPermitted = 4
	codeNoProgram    = 5
	codeNotRunning   = 7
)

// Start starts the service, and returns when it is ready. The error says where its log is.
func (m *Manager) Start(ctx context.Context, id platform.ID) error { return m.act(ctx, "start", id) }

// Stop asks the service to stop, kills it if it does not, and returns when it has ended. It
// succeeds if the service does not run.
func (m *Manager) Stop(ctx context.Context, id platform.ID) error { return m.act(ctx, "stop", id) }

// Restart is Stop, then Start. It does not stop a service whose configuration is invalid.
func (m *Manager) Restart(ctx context.Context, id platform.ID) error {
	return m.act(ctx, "restart", id)
}

// Reload requests a reload, waits for it and returns the program's outcome.
func (m *Manager) Reload(ctx context.Context, id platform.ID) error { return m.act(ctx, "reload", id) }

// act runs an action of the script.
func (m *Manager) act(ctx context.Context, action string, id platform.ID) error {
	return m.machine.Act(ctx, action, id, []string{initd.Path(id), action}, func(failed *platform.CommandError) error {
		switch {
		case failed.Code == codeNotPermitted:
			return fmt.Errorf("%w: %w", platform.ErrPermission, failed)
		case failed.Code == codeNoProgram:
			return fmt.Errorf("its program is gone: %w", failed)
		case failed.Code == codeNotRunning:
			return platform.ErrNotRunning
		case action == "reload":
			return initd.Rejected(failed)
		}
		return nil
	})
}
