package openrc

import (
	"context"
	"fmt"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/initd"
)

// service is a command line of rc-service(8).
func service(id platform.ID, action string) []string {
	return []string{"rc-service", "--nocolor", id.String(), action}
}

// Start starts the service, and what it needs, and returns when it is ready. The
// error tells where its log is.
func (m *Manager) Start(ctx context.Context, id platform.ID) error {
	if _, lost, err := m.query(ctx, id); err == nil && lost {
		return m.run(ctx, "start", service(id, "restart"), id) // a start is done already, OpenRC says
	}
	return m.act(ctx, "start", id)
}

// Stop asks the service, and what needs it, to stop, kills it if it does not, and
// returns when it is gone. One that does not run is stopped already.
func (m *Manager) Stop(ctx context.Context, id platform.ID) error { return m.act(ctx, "stop", id) }

// Restart is Stop, then Start; nothing is stopped when the configuration is bad.
func (m *Manager) Restart(ctx context.Context, id platform.ID) error {
	return m.act(ctx, "restart", id)
}

// Reload asks for a reload, waits for it and returns the program's outcome.
func (m *Manager) Reload(ctx context.Context, id platform.ID) error { return m.act(ctx, "reload", id) }

func (m *Manager) act(ctx context.Context, action string, id platform.ID) error {
	return m.run(ctx, action, service(id, action), id)
}

// run has rc-service do what is asked for as action.
func (m *Manager) run(ctx context.Context, action string, argv []string, id platform.ID) error {
	return m.machine.Act(ctx, action, id, argv, func(failed *platform.CommandError) error {
		if action != "reload" {
			return nil
		}
		// Every failure has code 1: what stands behind it shows afterwards.
		now, err := m.Status(ctx, id)
		switch {
		case err != nil:
			return nil //nolint:nilerr // the failure itself is what is told
		case now.Phase == platform.PhaseReady:
			return initd.Rejected(failed)
		}
		return fmt.Errorf("%w (%s)", platform.ErrNotRunning, now.Phase)
	})
}
