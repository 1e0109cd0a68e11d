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

// Machine is a machine with services by scripts of one dialect. It holds no
// state: every answer is a new question to the machine. Several goroutines may
// use it.
type Machine struct {
	platform.System
	Dialect Dialect
}

// Exists reports whether there is such a file or directory, as far as can be told.
func (m Machine) Exists(file string) bool { return !room.Absent(m, file) }

// Installed reports whether the service has a script that holdfast made; d is the
// script, whoever made it.
func (m Machine) Installed(ctx context.Context, id platform.ID) (d *platform.Definition, ours bool, err error) {
	d, err = m.definition(ctx, id)
	return d, d != nil && d.Ours, err
}

// Plan are the steps that install u: its script, and what enable adds. What
// somebody else made is replaced as platform.Definition has it, after take has
// said what to do with it. It refuses, on a machine with this manager, to require
// a service that is not there: what orders services would pass over it.
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

// booted is there where systemd runs the machine: sd_booted(3).
const booted = "/run/systemd/system"

// generated has systemd, where that runs the machine, make its units of scripts anew:
// it has one of each, which it would keep when the script has gone.
func (m Machine) generated() []platform.Step {
	if !m.Exists(booted) {
		return nil
	}
	return []platform.Step{{
		Kind: platform.StepRun, Describe: "reload systemd, which runs this machine", Argv: []string{"systemctl", "daemon-reload"}, MayFail: true,
	}}
}

func (m Machine) checkRequired(names []string) error {
	if !m.Exists(m.Dialect.Sign) {
		return nil // a plan for another machine
	}
	var errs []error
	for _, name := range names {
		// What was rendered has a word.
		if word, err := m.Dialect.Dependency(name); err == nil && facility(name) == 0 && !m.Exists(path.Join(Scripts, word)) {
			errs = append(errs, &platform.UnitError{Key: "requires", Err: fmt.Errorf("%q: there is no such service in %s", name, Scripts)})
		}
	}
	return errors.Join(errs...)
}

// Removal are the steps that uninstall a service: what disable adds, its script
// and its runtime directory. What the service keeps stays: its state, logs and
// configuration. One that is not installed needs none. A script that was there
// before is put back, and enabled as it was: enable is given its levels.
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

// Act has argv do an action of an installed service. When ctx ends first, what it
// started goes on without us. Of a failure, explain says what stands behind it;
// if it does not know the error tells where the service's log is.
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

// Rejected is the error of a reload that the program has refused.
func Rejected(command *platform.CommandError) error {
	return fmt.Errorf("%w: %s", platform.ErrRejected, strings.TrimSpace(command.Stderr))
}

// Logs shows what the service has printed, which is its log unless that goes to a
// file of its own or to syslog; n below 0 is the whole of it.
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
