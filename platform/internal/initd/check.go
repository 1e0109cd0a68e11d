package initd

import (
	"errors"
	"fmt"
	"path"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
	"github.com/holdfast-dev/holdfast/platform/internal/shell"
)

// checkID refuses an id that cannot name a script.
func (d Dialect) checkID(id platform.ID) error {
	errs := []error{room.CheckID(id), d.CheckID(id)}
	if id.Scope == platform.ScopeUser {
		errs = append(errs, fmt.Errorf("scope %q: this manager has no user services, only scripts of the system in %s: use --scope system: %w", id.Scope, Scripts, platform.ErrBadUnit))
	}
	return errors.Join(errs...)
}

// BadName returns the error for a [Dialect.CheckID].
func BadName(id platform.ID, why string) error {
	return fmt.Errorf("name %q: %s: %w", id.String(), why, platform.ErrBadUnit)
}

// check refuses what no script can honour.
func (s *Script) check() {
	u := s.Unit
	s.Add(s.dialect.checkID(u.ID))
	s.CheckUmask(u)
	s.CheckRestart(u.Restart)
	s.checkCommands()
	s.checkAccounts()
	for _, dir := range []struct{ field, path string }{
		{"working_directory", u.WorkingDirectory}, {"runtime directory", u.RuntimeDir}, {"state directory", u.StateDir},
	} {
		if dir.path != "" && !path.IsAbs(dir.path) {
			s.Refuse(dir.field, "%q: is not an absolute path", dir.path)
		}
	}
	for _, l := range []struct {
		field string
		value uint64
	}{
		{"limits.memory", uint64(u.Limits.Memory)}, {"limits.tasks", u.Limits.Tasks}, {"limits.cpu", u.Limits.CPU},
	} {
		if l.value != 0 {
			s.Refuse(l.field, "%d: %s", l.value, s.dialect.NoWholeLimits)
		}
	}
	s.RefuseIf(u.RootDirectory != "", "root_directory", "%q: other commands could not find the service's state", u.RootDirectory)
	s.RefuseIfNot("start_type", platform.OneOf(u.StartType, platform.StartTypes()))
	s.RefuseActivation(u)
	if n := u.Limits.Nice; n < -20 || n > 19 {
		s.Refuse("limits.nice", "%d: is not between -20 and 19", n)
	}
}

func (s *Script) checkCommands() {
	u := s.Unit
	for _, c := range []struct {
		field string
		argv  []string
	}{
		{"command", u.Exec},
		{"reload command", u.Reload},
		{"check command", u.Commands.Check},
		{"status command", u.Commands.Status},
		{"stop command", u.Commands.Stop},
		{"await command", u.Commands.Await},
		{"spawn command", u.Commands.Spawn},
		{"supervise command", u.Commands.Supervise},
	} {
		if len(c.argv) == 0 {
			s.Refuse(c.field, "is empty")
			continue
		}
		if !path.IsAbs(c.argv[0]) {
			s.Refuse(c.field, "%q: is not an absolute path", c.argv[0])
		}
		for _, arg := range c.argv {
			if err := both(shell.CheckWord, s.dialect.CheckArgument, arg); err != nil {
				s.Refuse(c.field, "argument %q: %w", arg, err)
			}
		}
	}
}

func (s *Script) checkAccounts() {
	u := s.Unit
	for _, a := range []struct {
		field string
		names []string
	}{
		{"user", []string{u.User}}, {"group", []string{u.Group}}, {"hardening.supplementary_groups", u.Hardening.SupplementaryGroups},
	} {
		for _, name := range a.names {
			if err := shell.CheckAccount(name); name != "" && err != nil {
				s.Refuse(a.field, "%q: %w", name, err)
			}
		}
	}
	root := u.User == "" || u.User == "root" || u.User == "0"
	if !root && len(u.Hardening.Capabilities) > 0 {
		s.Refuse("hardening.capabilities", "%q: a script cannot give them to a user", u.Hardening.Capabilities)
	}
}

// both applies a check and then the dialect's, if there is one.
func both(check, dialect func(string) error, s string) error {
	err := check(s)
	if err == nil && dialect != nil {
		err = dialect(s)
	}
	return err
}
