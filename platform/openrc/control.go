package openrc

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

// service is a command line of rc-service(8).
func service(id platform.ID, action string) []string {
	return []string{"rc-service", "--nocolor", id.String(), action}
}

// Start starts the service, and what it needs, and returns when it is ready. The
// error tells where its log is.
func (m *Manager) Start(ctx context.Context, id platform.ID) error { return m.act(ctx, "start", id) }

// Stop asks the service, and what needs it, to stop, kills it if it does not, and
// returns when it is gone. One that does not run is stopped already.
func (m *Manager) Stop(ctx context.Context, id platform.ID) error { return m.act(ctx, "stop", id) }

// Restart is Stop, then Start; nothing is stopped when the configuration is bad.
func (m *Manager) Restart(ctx context.Context, id platform.ID) error {
	return m.act(ctx, "restart", id)
}

// Reload asks for a reload, waits for it and returns the program's verdict.
func (m *Manager) Reload(ctx context.Context, id platform.ID) error { return m.act(ctx, "reload", id) }

// act runs the script by rc-service. When ctx ends first, what it started goes on
// without us.
func (m *Manager) act(ctx context.Context, action string, id platform.ID) error {
	wrap := func(format string, args ...any) error {
		return fmt.Errorf("%s %q: %w", action, id.String(), fmt.Errorf(format, args...))
	}
	installed, err := m.ours(id)
	switch {
	case err != nil:
		return wrap("%w", err)
	case !installed:
		return wrap("%w", platform.ErrNotInstalled)
	}
	_, err = m.sys.Run(ctx, service(id, action)...)
	if err == nil {
		return nil
	}
	var command *platform.CommandError
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return wrap("%w: it goes on: %w", platform.ErrTimeout, context.Cause(ctx))
	case ctx.Err() != nil:
		return wrap("it goes on: %w", context.Cause(ctx))
	case !errors.As(err, &command):
		return wrap("%w", err)
	}
	// Every failure has code 1: what stands behind it shows afterwards.
	now, statusErr := m.Status(ctx, id)
	switch {
	case action != "reload" || statusErr != nil:
		return wrap("%w; see: %s", err, strings.Join(m.Logs(id, 20, false), " "))
	case now.Phase == platform.PhaseReady:
		return wrap("%w: %s", platform.ErrRejected, strings.TrimSpace(command.Stderr))
	}
	return wrap("%w (%s)", platform.ErrNotRunning, now.Phase)
}
