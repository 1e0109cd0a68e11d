package initd

import (
	"errors"
	"fmt"
	"path"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/shell"
)

// checkID refuses an id that cannot be a script.
func (d Dialect) checkID(id platform.ID) error {
	errs := []error{platform.CheckID(id), d.CheckID(id)}
	if id.Scope == platform.ScopeUser {
		errs = append(errs, BadName(id, "scripts in "+Scripts+" are for services of the machine only"))
	}
	return errors.Join(errs...)
}

// BadName is the error of a [Dialect.CheckID].
func BadName(id platform.ID, why string) error {
	return fmt.Errorf("name %q: %s: %w", id.String(), why, platform.ErrBadUnit)
}

// check refuses what no script can honour.
func (d *Draft) check() {
	u := d.Unit
	if err := d.dialect.checkID(u.ID); err != nil {
		d.errs = append(d.errs, err)
	}
	d.checkCommands()
	d.checkAccounts()
	for _, dir := range []struct{ field, path string }{
		{"working_directory", u.WorkingDirectory}, {"runtime directory", u.RuntimeDir}, {"state directory", u.StateDir},
	} {
		if dir.path != "" && !path.IsAbs(dir.path) {
			d.Refuse(dir.field, "%q: is not an absolute path", dir.path)
		}
	}
	for _, l := range []struct {
		field string
		value uint64
	}{
		{"limits.memory", u.Limits.Memory}, {"limits.tasks", u.Limits.Tasks}, {"limits.cpu", u.Limits.CPU},
	} {
		if l.value != 0 {
			d.Refuse(l.field, "%d: %s", l.value, d.dialect.NoWholeLimits)
		}
	}
	if n := u.Limits.Nice; n < -20 || n > 19 {
		d.Refuse("limits.nice", "%d: is not between -20 and 19", n)
	}
	if u.Restart.Max < 0 {
		d.Refuse("restart.max", "%d: is negative", u.Restart.Max)
	}
	switch u.Restart.Policy {
	case "", platform.RestartNever, platform.RestartOnFailure, platform.RestartAlways:
	default:
		d.Refuse("restart.policy", "%q: is none of on-failure, always, never", u.Restart.Policy)
	}
}

func (d *Draft) checkCommands() {
	u := d.Unit
	for _, c := range []struct {
		field string
		argv  []string
	}{
		{"command", u.Exec},
		{"reload command", u.Reload},
		{"check command", u.Own.Check},
		{"status command", u.Own.Status},
		{"stop command", u.Own.Stop},
		{"await command", u.Own.Await},
		{"spawn command", u.Own.Spawn},
		{"supervise command", u.Own.Supervise},
	} {
		if len(c.argv) == 0 {
			d.Refuse(c.field, "is empty")
			continue
		}
		if !path.IsAbs(c.argv[0]) {
			d.Refuse(c.field, "%q: is not an absolute path", c.argv[0])
		}
		for _, arg := range c.argv {
			if err := both(shell.CheckWord, d.dialect.CheckArgument, arg); err != nil {
				d.Refuse(c.field, "argument %q: %w", arg, err)
			}
		}
	}
}

func (d *Draft) checkAccounts() {
	u := d.Unit
	for _, a := range []struct {
		field string
		names []string
	}{
		{"user", []string{u.User}}, {"group", []string{u.Group}}, {"hardening.supplementary_groups", u.Hardening.SupplementaryGrps},
	} {
		for _, name := range a.names {
			if err := shell.CheckAccount(name); name != "" && err != nil {
				d.Refuse(a.field, "%q: %w", name, err)
			}
		}
	}
	root := u.User == "" || u.User == "root" || u.User == "0"
	if !root && len(u.Hardening.Capabilities) > 0 {
		d.Refuse("hardening.capabilities", "%q: a script cannot give them to a user", u.Hardening.Capabilities)
	}
}

// both applies a check and, where there is one, the dialect's own.
func both(check, own func(string) error, s string) error {
	err := check(s)
	if err == nil && own != nil {
		err = own(s)
	}
	return err
}
