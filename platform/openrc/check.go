package openrc

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/shell"
)

// check refuses what the script cannot honour.
func (r *renderer) check() {
	u := r.u
	if err := checkID(u.ID); err != nil {
		r.errs = append(r.errs, err)
	}
	r.checkCommands()
	r.checkAccounts()
	for _, d := range []struct{ field, path string }{
		{"working_directory", u.WorkingDirectory}, {"runtime directory", u.RuntimeDir}, {"state directory", u.StateDir},
	} {
		if d.path != "" && !path.IsAbs(d.path) {
			r.refuse(d.field, "%q: is not an absolute path", d.path)
		}
	}
	// OpenRC can limit control groups, but only where the administrator has it
	// run with them.
	for _, l := range []struct {
		field string
		value uint64
	}{
		{"limits.memory", u.Limits.Memory}, {"limits.tasks", u.Limits.Tasks}, {"limits.cpu", u.Limits.CPU},
	} {
		if l.value != 0 {
			r.refuse(l.field, "%d: a service as a whole is limited in rc_cgroup_settings of /etc/conf.d/%s", l.value, u.ID.String())
		}
	}
	if n := u.Limits.Nice; n < -20 || n > 19 {
		r.refuse("limits.nice", "%d: is not between -20 and 19", n)
	}
	if u.Restart.Max < 0 {
		r.refuse("restart.max", "%d: is negative", u.Restart.Max)
	}
	switch u.Restart.Policy {
	case "", platform.RestartNever, platform.RestartOnFailure, platform.RestartAlways:
	default:
		r.refuse("restart.policy", "%q: is none of on-failure, always, never", u.Restart.Policy)
	}
}

func (r *renderer) checkCommands() {
	u := r.u
	commands := []struct {
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
	}
	for _, c := range commands {
		if len(c.argv) == 0 {
			r.refuse(c.field, "is empty")
			continue
		}
		if !path.IsAbs(c.argv[0]) {
			r.refuse(c.field, "%q: is not an absolute path", c.argv[0])
		}
		for _, arg := range c.argv {
			err := shell.CheckWord(arg)
			if strings.ContainsAny(arg, "\n\r") {
				err = errors.New("has a line break")
			}
			if err != nil {
				r.refuse(c.field, "argument %q: %w", arg, err)
			}
		}
	}
}

func (r *renderer) checkAccounts() {
	u := r.u
	for _, a := range []struct {
		field string
		names []string
	}{
		{"user", []string{u.User}}, {"group", []string{u.Group}}, {"hardening.supplementary_groups", u.Hardening.SupplementaryGrps},
	} {
		for _, name := range a.names {
			if err := shell.CheckAccount(name); name != "" && err != nil {
				r.refuse(a.field, "%q: %w", name, err)
			}
		}
	}
	root := u.User == "" || u.User == "root" || u.User == "0"
	if !root && len(u.Hardening.Capabilities) > 0 {
		r.refuse("hardening.capabilities", "%q: are not given to a user", u.Hardening.Capabilities)
	}
}

// checkVariable refuses what OpenRC takes out of the environment, or for its own.
func checkVariable(name string) error {
	for _, prefix := range []string{"RC_", "SSD_", "EINFO_"} {
		if strings.HasPrefix(name, prefix) {
			return fmt.Errorf("OpenRC keeps %s... to itself", prefix)
		}
	}
	return shell.CheckVariable(name)
}

// checkID refuses an id that cannot be a script.
func checkID(id platform.ID) error {
	errs := []error{platform.CheckID(id)}
	bad := func(why string) {
		errs = append(errs, fmt.Errorf("name %q: %s: %w", id.String(), why, platform.ErrBadUnit))
	}
	if id.Scope == platform.ScopeUser {
		bad("OpenRC's scripts are for services of the machine only")
	}
	if path.Ext(id.String()) == ".sh" {
		bad("OpenRC passes over scripts that end in .sh")
	}
	return errors.Join(errs...)
}
