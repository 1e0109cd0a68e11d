package systemd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

// Exit codes of systemctl that are more than "failed", systemctl(1). It gives
// them for what the bus refused; why a job failed is in the unit's properties.
const (
	codeNoPermission = 4
	codeNotInstalled = 5
)

// Start starts the service and waits for its READY=1. The error tells how the
// service ended and where its log is.
func (m *Manager) Start(ctx context.Context, id platform.ID) error { return m.job(ctx, "start", id) }

// Stop asks the service to stop and waits until it is gone. One that does not
// run is stopped already.
func (m *Manager) Stop(ctx context.Context, id platform.ID) error { return m.job(ctx, "stop", id) }

// Restart is Stop, then Start, in one job: nothing comes in between.
func (m *Manager) Restart(ctx context.Context, id platform.ID) error {
	return m.job(ctx, "restart", id)
}

// Reload asks for a reload, waits for it and returns the program's verdict.
func (m *Manager) Reload(ctx context.Context, id platform.ID) error { return m.job(ctx, "reload", id) }

// job runs one systemctl job and waits for it. When ctx ends first, the job
// goes on without us.
func (m *Manager) job(ctx context.Context, verb string, id platform.ID) error {
	if err := checkName(id); err != nil {
		return fmt.Errorf("%s %q: %w", verb, id.String(), err)
	}
	if _, err := m.sys.Run(ctx, systemctl(id.Scope, verb, unit(id))...); err != nil {
		return m.failed(ctx, verb, id, err)
	}
	return nil
}

// failed says why systemctl failed, by exit codes and properties.
func (m *Manager) failed(ctx context.Context, verb string, id platform.ID, err error) error {
	wrap := func(format string, args ...any) error {
		return fmt.Errorf("%s %q: %w", verb, id.String(), fmt.Errorf(format, args...))
	}
	var command *platform.CommandError
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return wrap("%w: systemd goes on with it: %w", platform.ErrTimeout, context.Cause(ctx))
	case ctx.Err() != nil:
		return wrap("systemd goes on with it: %w", context.Cause(ctx))
	case !errors.As(err, &command) || verb == "status":
		return wrap("%w", err)
	case command.Code == codeNoPermission:
		return wrap("%w: %w", platform.ErrPermission, err)
	}
	p, showErr := m.show(ctx, id)
	if showErr != nil {
		return wrap("%w", err)
	}
	log := "see: " + strings.Join(m.Logs(id, 20, false), " ")
	switch {
	case !p.installed() && !p.running(), command.Code == codeNotInstalled && !p.running():
		return wrap("%w", platform.ErrNotInstalled)
	case p["LoadState"] != "loaded":
		return wrap("its unit is %s: %w", p["LoadState"], err)
	case verb == "reload":
		return reloadFailed(p, wrap, err, log)
	case p["Result"] == "success" || p["Result"] == "":
		return wrap("%w", err) // not the service's doing: a service that it requires, for example
	case p["Result"] == "timeout":
		return wrap("it %w; %s", platform.ErrTimeout, log)
	case p["Result"] == "start-limit-hit":
		return wrap("it ended too often in too short a time; %s; then: %s", log,
			strings.Join(systemctl(id.Scope, "reset-failed", unit(id)), " "))
	}
	return wrap("the service failed (%s); %s", p.verdict(), log)
}

func reloadFailed(p properties, wrap func(string, ...any) error, err error, log string) error {
	switch {
	case p["ActiveState"] != "active" && p["ActiveState"] != "reloading" && p["ActiveState"] != "refreshing":
		return wrap("%w (%s)", platform.ErrNotRunning, p["ActiveState"])
	case p["CanReload"] == "no":
		return wrap("it was installed without a reload command: %w", platform.ErrUnsupported)
	case p["ReloadResult"] == "exit-code":
		return wrap("%w; %s", platform.ErrRejected, log)
	case p["ReloadResult"] == "timeout":
		return wrap("it %w; %s", platform.ErrTimeout, log)
	}
	return wrap("%w; %s", err, log)
}

// verdict is Result and how the process ended, for people.
func (p properties) verdict() string {
	e := p.exit()
	switch {
	case e == nil:
		return p["Result"]
	case e.Signal != "":
		return p["Result"] + ", killed by " + e.Signal
	}
	return fmt.Sprintf("%s, exit code %d", p["Result"], e.Code)
}
