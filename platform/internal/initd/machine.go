package initd

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// A Machine is a machine that has services with scripts of one dialect. It has no state, and
// queries the machine each time. It may be used by several goroutines.
type Machine struct {
	platform.System
	Dialect Dialect
}

// Exists reports whether the file or directory exists, or may exist.
func (m Machine) Exists(file string) bool { return !room.Absent(m, file) }

// Installed returns the script of the service, whoever made it, and reports whether holdfast
// made it.
func (m Machine) Installed(ctx context.Context, id platform.ID) (d *platform.Definition, ours bool, err error) {
	d, err = m.definition(ctx, id)
	return d, d != nil && d.Ours, err
}

// Plan returns the steps that install u: its script, and what enable adds. platform.Definition
// decides about a script of others, and take says how to take it over. On a machine with this
// manager, Plan refuses a unit that requires a missing service, because the programs that
// order the scripts would ignore it.
func (m Machine) Plan(ctx context.Context, u platform.Unit, render func(platform.Unit) ([]byte, error), take func() (Taken, error), enable func() ([]platform.Step, error)) ([]platform.Step, error) {
	fail := func(err error) ([]platform.Step, error) {
		return nil, fmt.Errorf("install %q: %w", u.ID.String(), err)
	}
	steps, before, err := m.replace(ctx, u, take)
	if err != nil {
		return fail(err)
	}
	content, err := render(u)
	if err != nil {
		return nil, err
	}
	if err := m.checkRequired(u.Requires); err != nil {
		return fail(err)
	}
	steps = append(steps, platform.Step{
		Kind: platform.StepWriteFile, Describe: "write the script", Path: Path(u.ID), Mode: 0o755, Content: noted(content, before),
	})
	on, err := enable()
	if err != nil {
		return fail(err)
	}
	return append(append(steps, on...), m.generated()...), nil
}

// booted exists if systemd runs the machine: see sd_booted(3).
const booted = "/run/systemd/system"

// generated returns the step that makes systemd, if it runs the machine, generate its units
// from the scripts again. Otherwise it would keep the unit of a script that no longer exists.
func (m Machine) generated() []platform.Step {
	if !m.Exists(booted) {
		return nil
	}
	return []platform.Step{{
		Kind: platform.StepRun, Describe: "reload systemd, the service manager of this machine", Argv: []string{"systemctl", "daemon-reload"}, MayFail: true,
	}}
}

func (m Machine) checkRequired(names []string) error {
	if !m.Exists(m.Dialect.Sign) {
		return nil // the plan is for another machine
	}
	var errs []error
	for _, name := range names {
		// A unit that was rendered has only valid names.
		if word, err := m.Dialect.Dependency(name); err == nil && facility(name) == 0 && !m.Exists(path.Join(Scripts, word)) {
			errs = append(errs, &platform.UnitError{Key: "requires", Err: fmt.Errorf("%q: there is no such service in %s", name, Scripts)})
		}
	}
	return errors.Join(errs...)
}

// Removal returns the steps that uninstall a service: what disable adds, and the removal of
// its script and its runtime directory. The state, logs and configuration of the service stay.
// There are no steps if it is not installed. A script that was replaced is restored, and
// enabled in the runlevels that enable gets.
func (m Machine) Removal(ctx context.Context, id platform.ID, disable func() ([]platform.Step, error), enable func(levels []string) []platform.Step) ([]platform.Step, error) {
	d, err := m.definition(ctx, id)
	if err == nil {
		err = d.Refuse("uninstall")
	}
	if err == nil && d == nil {
		return nil, nil
	}
	var steps, remove []platform.Step
	var levels []string
	if err == nil {
		steps, err = disable()
	}
	if err == nil {
		levels, err = m.before(id)
	}
	if err == nil {
		remove, _, err = room.PutBack(m, "the script", Path(id), 0o755)
	}
	if err != nil {
		return nil, fmt.Errorf("uninstall %q: %w", id.String(), err)
	}
	steps = append(steps, remove...)
	if len(levels) > 0 {
		steps = append(steps, enable(levels)...)
	}
	return append(append(steps, m.generated()...),
		platform.Step{Kind: platform.StepRemoveDir, Describe: "remove the runtime directory", Path: runtimeDir(id)},
	), nil
}

// Act runs argv for an action on an installed service. If ctx ends first, what the command has
// started goes on. If the command fails, explain returns an error that explains why, or nil;
// then the error says where to find the log.
func (m Machine) Act(ctx context.Context, action string, id platform.ID, argv []string, explain func(*platform.CommandError) error) error {
	err := m.act(ctx, action, id, argv, explain)
	if err != nil {
		return fmt.Errorf("%s %q: %w", action, id.String(), err)
	}
	return nil
}

func (m Machine) act(ctx context.Context, action string, id platform.ID, argv []string, explain func(*platform.CommandError) error) error {
	d, err := m.definition(ctx, id)
	switch {
	case err != nil:
		return err
	case d == nil:
		return platform.ErrNotInstalled
	}
	if err := d.Refuse(action); err != nil {
		return err
	}
	_, err = m.Run(ctx, argv...)
	var command *platform.CommandError
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%w: it goes on: %w", platform.ErrTimeout, context.Cause(ctx))
	case ctx.Err() != nil:
		return fmt.Errorf("it goes on: %w", context.Cause(ctx))
	case !errors.As(err, &command):
		return err
	}
	if err := explain(command); err != nil {
		return err
	}
	return fmt.Errorf("%w; see: %s", err, strings.Join(Logs(id, 20, false), " "))
}

// Rejected returns the error of a reload that the program refused.
func Rejected(command *platform.CommandError) error {
	return fmt.Errorf("%w: %s", platform.ErrRejected, strings.TrimSpace(command.Stderr))
}

// Logs returns the command that shows what the service has printed. This is its log, unless
// the service logs to a file of its own or to syslog. A negative n means everything.
func Logs(id platform.ID, n int, follow bool) []string {
	lines := "+1"
	if n >= 0 {
		lines = strconv.Itoa(n)
	}
	argv := []string{"tail", "-n", lines}
	if follow {
		argv = append(argv, "-F")
	}
	return append(argv, Output(id))
}
