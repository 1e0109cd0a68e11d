package sysv

import (
	"errors"
	"fmt"
	"path"
	"slices"
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
	for _, l := range []struct {
		field string
		value uint64
	}{
		{"limits.memory", u.Limits.Memory}, {"limits.tasks", u.Limits.Tasks}, {"limits.cpu", u.Limits.CPU},
	} {
		if l.value != 0 {
			r.refuse(l.field, "%d: an init script cannot limit a service as a whole", l.value)
		}
	}
	if n := u.Limits.Nice; n < -20 || n > 19 {
		r.refuse("limits.nice", "%d: is not between -20 and 19", n)
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
		{"supervise command", u.Own.Supervise},
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
			if err := shell.CheckWord(arg); err != nil {
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
		r.refuse("hardening.capabilities", "%q: an init script cannot give them to a user", u.Hardening.Capabilities)
	}
}

// checkID refuses an id that cannot be a script.
func checkID(id platform.ID) error {
	errs := []error{platform.CheckID(id)}
	if id.Scope == platform.ScopeUser {
		errs = append(errs, badName(id, "init scripts are for services of the machine only"))
	}
	// insserv takes what ends like this for a leftover of an editor or a package
	// manager, says so, and goes on without it.
	suffix := strings.TrimPrefix(path.Ext(id.String()), ".")
	if slices.Contains([]string{"old", "new", "org", "orig", "save", "swp", "core"}, suffix) ||
		strings.HasPrefix(suffix, "ba") || strings.HasPrefix(suffix, "rpm") || strings.HasPrefix(suffix, "dpkg") {
		errs = append(errs, badName(id, "insserv passes over scripts that end in ."+suffix))
	}
	return errors.Join(errs...)
}

func badName(id platform.ID, why string) error {
	return fmt.Errorf("name %q: %s: %w", id.String(), why, platform.ErrBadUnit)
}
