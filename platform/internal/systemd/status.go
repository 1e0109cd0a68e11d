package systemd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// shown has the properties for a single `systemctl show`.
const shown = "LoadState,ActiveState,SubState,UnitFileState,FragmentPath,SourcePath,DropInPaths,MainPID,NRestarts,Result,ReloadResult,CanReload,Requires,BindsTo,Requisite,RestartUSec,RestartUSecNext,StartLimitBurst,StartLimitIntervalUSec," +
	"ExecMainCode,ExecMainStatus,ExecMainExitTimestamp,StatusText," +
	"ActiveEnterTimestamp,ActiveExitTimestamp,InactiveEnterTimestamp,InactiveExitTimestampMonotonic,StateChangeTimestamp"

// properties are those of a unit, as `systemctl show` prints them.
type properties map[string]string

// show returns the properties of the unit. An unknown unit has LoadState not-found, which is
// not an error.
func (m *Manager) show(ctx context.Context, id platform.ID) (properties, error) {
	if err := room.CheckID(id); err != nil {
		return nil, err
	}
	if id.Scope == platform.ScopeUser && m.o.NoBus {
		return nil, fmt.Errorf("systemctl --user show %s: %w", unit(id), errNoBus)
	}
	out, err := room.Ask(ctx, m.sys, systemctl(id.Scope, "show", "--timestamp=unix", "--property="+shown, unit(id))...)
	if unknown, ok := errors.AsType[*platform.CommandError](err); ok && strings.Contains(unknown.Stderr, "timestamp") {
		// systemd before 247 does not have --timestamp. It prints its times for people, in the
		// local time zone.
		out, err = room.Ask(ctx, m.sys, systemctl(id.Scope, "show", "--property="+shown, unit(id))...)
	}
	if err != nil {
		return nil, unanswered(id, err)
	}
	return parseProperties(out), nil
}

// errNoBus is the error of a query if Options.NoBus is set. systemctl would fail, too.
var errNoBus = errors.New("neither $XDG_RUNTIME_DIR nor $DBUS_SESSION_BUS_ADDRESS is set: " + noUser)

const noUser = "does this user's systemd run? Log in as the user, or as root: loginctl enable-linger USER"

// unanswered returns the error of a query without the long list of properties.
func unanswered(id platform.ID, err error) error {
	failed, ok := errors.AsType[*platform.CommandError](err)
	if !ok {
		return err
	}
	short := *failed
	short.Argv = []string{"systemctl", "show", unit(id)}
	if id.Scope != platform.ScopeUser {
		return &short
	}
	short.Argv = slices.Insert(short.Argv, 1, "--user")
	if short.Code < 0 { // it did not say no
		return &short
	}
	return fmt.Errorf("%w: %s", &short, noUser)
}

func parseProperties(out string) properties {
	p := properties{}
	for line := range strings.Lines(out) {
		if key, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "="); ok {
			p[key] = value
		}
	}
	return p
}

// number returns 0 if the property is missing or not a number.
func (p properties) number(key string) int {
	n, err := strconv.Atoi(p[key])
	if err != nil {
		return 0
	}
	return n
}

// time parses "@1795264236". It returns the zero time if the event has never happened or the
// time is unknown.
func (p properties) time(key string) time.Time {
	seconds, ok := strings.CutPrefix(p[key], "@")
	if !ok {
		return time.Time{}
	}
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || n <= 0 {
		return time.Time{}
	}
	return time.Unix(n, 0)
}

// microseconds returns 0 if s is no such time.
func microseconds(s string) time.Duration {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Microsecond
}

// is reports whether a property has one of the values. To compare an element of a map with a
// constant in place is expensive: the compiler looks it up again for each byte of the constant
// (seen with Go 1.26).
func (p properties) is(name string, values ...string) bool { return slices.Contains(values, p[name]) }

func (p properties) installed() bool {
	switch p["LoadState"] {
	case "", "not-found":
		return false
	}
	return p["FragmentPath"] != "" || p.is("LoadState", "masked")
}

func (p properties) enabled() bool {
	return p.is("UnitFileState", "enabled", "enabled-runtime")
}

// running reports whether the service has a process, or will have one soon.
func (p properties) running() bool {
	switch p["ActiveState"] {
	case "", "inactive", "failed", "maintenance":
		return false
	}
	return true
}

// phase maps all states of unit_active_state. It also returns the property with the beginning
// of the phase.
func (p properties) phase() (platform.Phase, string) {
	switch p["ActiveState"] {
	case "active":
		return platform.PhaseReady, "ActiveEnterTimestamp"
	case "reloading", "refreshing":
		return platform.PhaseReloading, "StateChangeTimestamp"
	case "activating": // also while it waits for its restart
		return platform.PhaseStarting, "StateChangeTimestamp"
	case "deactivating":
		return platform.PhaseStopping, "ActiveExitTimestamp"
	case "inactive", "maintenance": // maintenance: its directories are being cleaned
		return platform.PhaseStopped, "InactiveEnterTimestamp"
	case "failed":
		return platform.PhaseFailed, "InactiveEnterTimestamp"
	}
	return platform.PhaseUnknown, ""
}

// exit returns how the last main process ended. It returns nil while the first one runs, and
// after systemd has forgotten it: systemd keeps nothing of a service that ended well, is not
// enabled and is not needed by another unit.
func (p properties) exit() *platform.Exit {
	status := p.number("ExecMainStatus")
	e := &platform.Exit{Reason: p["Result"]}
	switch p.number("ExecMainCode") { // CLD_* of sigaction(2)
	case 1: // CLD_EXITED
		e.Code = status
		e.Clean = status == platform.ExitOK && e.Reason == "success"
		e.Means = meaning(status)
		if !e.Clean && e.Reason == "success" { // Result is that of the service, which has been restarted since
			e.Reason = "exit-code"
		}
	case 2, 3: // CLD_KILLED, CLD_DUMPED
		e.Code, e.Signal = -1, signalName(status)
		if e.Reason == "success" { // systemd considers some signals a clean end
			e.Reason = "signal"
		}
	default:
		return nil
	}
	return e
}

// Status returns the result of one `systemctl show`.
func (m *Manager) Status(ctx context.Context, id platform.ID) (platform.Status, error) {
	p, err := m.show(ctx, id)
	if err != nil {
		return platform.Status{Manager: m.Name(), Phase: platform.PhaseUnknown}, m.failed(ctx, "status", id, err)
	}
	phase, since := p.phase()
	text := ""
	if p.running() { // systemd keeps the last status text of a dead service
		text = p["StatusText"]
	}
	d, err := m.definition(ctx, id, p)
	if err != nil {
		return platform.Status{Manager: m.Name(), Phase: platform.PhaseUnknown}, m.failed(ctx, "status", id, err)
	}
	if d != nil {
		d.DropIns = m.dropIns(p)
	}
	exit, ended := m.lastEnd(ctx, id, p)
	restarts, gaveUp := p.number("NRestarts"), p.is("Result", "start-limit-hit")
	if gaveUp { // systemd also counts the restart that it has refused
		restarts = max(0, restarts-1)
	}
	return platform.Status{
		Manager:    m.Name(),
		Installed:  p.installed() && d != nil && d.Ours,
		Enabled:    p.enabled(),
		Phase:      phase,
		PID:        p.number("MainPID"),
		Since:      p.time(since),
		Restarts:   restarts,
		GaveUp:     gaveUp,
		LastExit:   exit,
		EndedAt:    ended,
		Text:       text,
		Next:       p.next(),
		AtLogin:    id.Scope == platform.ScopeUser && !m.lingers(),
		Definition: d,
		Trigger:    m.triggerOf(ctx, id, d),
	}, nil
}
