package sysv

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

// Exit codes of the script's actions that are more than "failed".
const (
	codeNotPermitted = 4
	codeNoProgram    = 5
	codeNotRunning   = 7
)

// Start starts the service and returns when it is ready. The error tells where
// its log is.
func (m *Manager) Start(ctx context.Context, id platform.ID) error { return m.act(ctx, "start", id) }

// Stop asks the service to stop, kills it if it does not, and returns when it is
// gone. One that does not run is stopped already.
func (m *Manager) Stop(ctx context.Context, id platform.ID) error { return m.act(ctx, "stop", id) }

// Restart is Stop, then Start; nothing is stopped when the configuration is bad.
func (m *Manager) Restart(ctx context.Context, id platform.ID) error {
	return m.act(ctx, "restart", id)
}

// Reload asks for a reload, waits for it and returns the program's verdict.
func (m *Manager) Reload(ctx context.Context, id platform.ID) error { return m.act(ctx, "reload", id) }

// act runs the script. When ctx ends first, what it started goes on without us.
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
	_, err = m.sys.Run(ctx, script(id), action)
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
	case command.Code == codeNotPermitted:
		return wrap("%w: %w", platform.ErrPermission, err)
	case command.Code == codeNoProgram:
		return wrap("its program is gone: %w", err)
	case command.Code == codeNotRunning:
		return wrap("%w", platform.ErrNotRunning)
	case action == "reload":
		return wrap("%w: %s", platform.ErrRejected, strings.TrimSpace(command.Stderr))
	}
	return wrap("%w; see: %s", err, strings.Join(m.Logs(id, 20, false), " "))
}
