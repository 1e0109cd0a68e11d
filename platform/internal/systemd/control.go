package systemd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// codeNoPermission is systemctl's exit code if the bus refused the request. All other
// decisions use the properties of the unit.
const codeNoPermission = 4

// Start starts the service and waits for its READY=1. The error says how the service ended and
// where its log is. The restart limit does not apply to an explicit start. If only connections
// start the service, Start makes its sockets listen and leaves the rest to the first one.
func (m *Manager) Start(ctx context.Context, id platform.ID) error {
	return m.job(ctx, "start", id)
}

// Stop asks the service to stop and waits for its end. Its socket units stop as well: the next
// connection would start it again. Stop succeeds if the service does not run.
func (m *Manager) Stop(ctx context.Context, id platform.ID) error { return m.job(ctx, "stop", id) }

// Restart is Stop, then Start, as one job, so that nothing can come in between. Socket units
// go on listening.
func (m *Manager) Restart(ctx context.Context, id platform.ID) error {
	return m.job(ctx, "restart", id)
}

// forgive resets the count of starts. Otherwise systemd would refuse a start beyond the limit,
// and report the previous end as the reason. Its error is ignored: the start fails, too.
func (m *Manager) forgive(ctx context.Context, id platform.ID) {
	_, _ = m.sys.Run(ctx, systemctl(id.Scope, append([]string{"reset-failed", unit(id)}, m.sockets(id)...)...)...)
}

// Reload requests a reload, waits for it and returns the program's outcome.
func (m *Manager) Reload(ctx context.Context, id platform.ID) error { return m.job(ctx, "reload", id) }

// job runs a systemctl job on a unit of ours and waits for it. If ctx ends first, the job goes
// on.
func (m *Manager) job(ctx context.Context, verb string, id platform.ID) error {
	if err := room.CheckID(id); err != nil {
		return fmt.Errorf("%s %q: %w", verb, id.String(), err)
	}
	// If systemd does not answer, the job will fail, too.
	p, err := m.show(ctx, id)
	if err == nil {
		d, err := m.definition(ctx, id, p)
		if err == nil {
			err = d.Refuse(verb)
		}
		if err == nil && d == nil && p.is("UnitFileState", "generated") { // its source is gone, but systemd has not noticed yet
			err = platform.ErrNotInstalled
		}
		if err != nil {
			return fmt.Errorf("%s %q: %w", verb, id.String(), err)
		}
	}
	if verb == "start" || verb == "restart" {
		m.forgive(ctx, id)
	}
	units, stopFirst := m.jobUnits(ctx, verb, id, p)
	if stopFirst {
		if _, err := m.sys.Run(ctx, systemctl(id.Scope, append([]string{"stop"}, units...)...)...); err != nil {
			return m.failed(ctx, verb, id, err)
		}
		verb = "start"
	}
	if _, err := m.sys.Run(ctx, systemctl(id.Scope, append([]string{verb}, units...)...)...); err != nil {
		return m.failed(ctx, verb, id, err)
	}
	return nil
}

// failed explains by exit codes and properties why systemctl failed.
func (m *Manager) failed(ctx context.Context, verb string, id platform.ID, err error) error {
	return fmt.Errorf("%s %q: %w", verb, id.String(), m.cause(ctx, verb, id, err))
}

func (m *Manager) cause(ctx context.Context, verb string, id platform.ID, err error) error {
	var command *platform.CommandError
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("it %w, and systemd continues: %w", platform.ErrTimeout, context.Cause(ctx))
	case ctx.Err() != nil:
		return fmt.Errorf("systemd continues: %w", context.Cause(ctx))
	case !errors.As(err, &command) || verb == "status":
		return err
	case command.Code == codeNoPermission:
		return fmt.Errorf("%w: %w", platform.ErrPermission, err)
	}
	p, showErr := m.show(ctx, id)
	log := "see: " + strings.Join(m.Logs(id, 20, false), " ")
	switch {
	case showErr != nil:
		return err
	case !p.installed() && !p.running():
		return platform.ErrNotInstalled
	case !p.is("LoadState", "loaded"):
		return fmt.Errorf("its unit is %s: %w", p["LoadState"], err)
	case verb == "reload":
		return reloadCause(p, err, log)
	case verb != "stop" && p.is("Result", "success", "") && p.number("NRestarts") > 0:
		return m.startedAgain(ctx, id, p)
	case p.is("Result", "success", ""):
		return m.dependency(ctx, id, p, err) // the service itself did not fail
	case p.is("Result", "timeout"):
		return fmt.Errorf("it %w; %s", platform.ErrTimeout, log)
	}
	return &platform.FailedError{How: p.ending(), Code: class(p.exit()), Log: m.Logs(id, 20, false)}
}

// startedAgain returns the error of a start that has failed, if systemd has tried again since:
// Result is then that of the new try. NRestarts counts from the request, because of forgive.
func (m *Manager) startedAgain(ctx context.Context, id platform.ID, p properties) error {
	e, _ := m.lastEnd(ctx, id, p)
	how := "systemd has started it again since"
	if e != nil {
		how = e.Words()
	}
	return &platform.FailedError{How: how, Code: class(e), Log: m.Logs(id, 20, false)}
}

// dependency names the required units that have failed or do not exist, because systemd's own
// message names none. If there are none, it returns err.
func (m *Manager) dependency(ctx context.Context, id platform.ID, p properties, err error) error {
	names := strings.Fields(p["Requires"] + " " + p["BindsTo"] + " " + p["Requisite"])
	var bad []string
	for _, name := range names {
		out, showErr := room.Ask(ctx, m.sys, systemctl(id.Scope, "show", "--property=Id,LoadState,ActiveState,Result", "--", name)...)
		if showErr != nil {
			continue
		}
		switch q := parseProperties(out); {
		case q.is("LoadState", "not-found"):
			bad = append(bad, name+", which is not there")
		case !q.is("LoadState", "loaded", ""):
			bad = append(bad, fmt.Sprintf("%s, which is %s", name, q["LoadState"]))
		case q.is("ActiveState", "failed"):
			bad = append(bad, fmt.Sprintf("%s, which failed (%s; see: systemctl status %s)", name, q["Result"], name))
		}
	}
	pid := p.number("MainPID")
	switch {
	case len(bad) == 0 && p.running() && pid > 0: // after a restart request the user expects it to be stopped
		return fmt.Errorf("%w; it still runs as before, pid %d", err, pid)
	case len(bad) == 0:
		return err
	case p.running() && pid > 0:
		return fmt.Errorf("it still runs as before, pid %d, and was not restarted: it requires %s", pid, strings.Join(bad, ", and "))
	}
	return fmt.Errorf("it was not started: it requires %s", strings.Join(bad, ", and "))
}

func reloadCause(p properties, err error, log string) error {
	switch {
	case !p.is("ActiveState", "active", "reloading", "refreshing"):
		return fmt.Errorf("%w (%s)", platform.ErrNotRunning, p["ActiveState"])
	case p.is("CanReload", "no"):
		return fmt.Errorf("it was installed without a reload command: %w", platform.ErrUnsupported)
	case p.is("ReloadResult", "exit-code"):
		return fmt.Errorf("%w; %s", platform.ErrRejected, log)
	case p.is("ReloadResult", "timeout"):
		return fmt.Errorf("it %w; %s", platform.ErrTimeout, log)
	}
	return fmt.Errorf("%w; %s", err, log)
}

// ending returns Result and how the process ended, for people.
func (p properties) ending() string {
	e := p.exit()
	if e == nil {
		return p["Result"]
	}
	if e.Signal == "" && p.is("Result", "exit-code") {
		return e.Words()
	}
	return p["Result"] + ", " + e.Words()
}
