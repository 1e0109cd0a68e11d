package scm

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// What holds where the unit says nothing.
const (
	defaultStop   = 20 * time.Second
	defaultReload = 30 * time.Second
	defaultUmask  = 0o027
)

// Names of the Parameters that are ours.
const (
	paramMade    = "Made"
	paramRuntime = "RuntimeDir"
	paramReload  = "ReloadTimeout" // milliseconds
	paramRestart = "Restart"       // the policy that the recovery actions follow
)

const made = "by holdfast: the next install or uninstall replaces this service"

// Render gives the registration of u. It touches nothing and is the same on
// every operating system. What cannot be said is an error that wraps
// platform.ErrBadUnit and names every field concerned.
func Render(u platform.Unit, d Dirs) (platform.Registration, error) {
	s := sheet{r: platform.Registration{OwnSID: true, Enabled: true, Delayed: true}}
	s.identity(u)
	s.command(u)
	s.account(u)
	s.environment(u)
	s.dependencies(u)
	s.r.Recovery = s.recovery(u.Restart)
	s.r.Preshutdown = s.milliseconds("stop_timeout", cmp.Or(u.StopTimeout, defaultStop)+platform.StopMargin)
	s.parameters(u, d)
	s.unheard(u)
	if len(s.errs) > 0 {
		return platform.Registration{}, fmt.Errorf("service %q: %w", u.ID.String(), errors.Join(s.errs...))
	}
	return s.r, nil
}

// sheet collects a registration and what cannot be said in it, so that a person
// learns of everything at once.
type sheet struct {
	r    platform.Registration
	errs []error
}

// refuse records what is wrong with a field of the unit.
func (s *sheet) refuse(field, format string, args ...any) {
	err := fmt.Errorf(format, args...)
	s.errs = append(s.errs, fmt.Errorf("%s %w: %w", field, err, platform.ErrBadUnit))
}

func (s *sheet) text(field, value string) string {
	if err := sayable(value); err != nil {
		s.refuse(field, "%q: %w", value, err)
	}
	return value
}

// Longest display name, CreateService.
const maxDisplayName = 256

func (s *sheet) identity(u platform.Unit) {
	if err := checkID(u.ID); err != nil {
		s.errs = append(s.errs, err)
	}
	s.r.Name = u.ID.String()
	s.r.DisplayName = s.text("display_name", u.DisplayName)
	// Two services of one display name are refused by the SCM.
	if u.Instance != "" && s.r.DisplayName != "" {
		s.r.DisplayName += " (" + u.Instance + ")"
	}
	if s.r.DisplayName == "" {
		s.r.DisplayName = s.r.Name
	}
	if utf16Len(s.r.DisplayName) > maxDisplayName {
		s.refuse("display_name", "has more than %d characters", maxDisplayName)
	}
	s.r.Description = s.text("description", u.Description)
}

func (s *sheet) command(u platform.Unit) {
	if len(u.Exec) == 0 {
		s.refuse("command", "is missing")
		return
	}
	// One that is absolute elsewhere only, as in a plan that was made there, Windows
	// finds out about when it starts it.
	if !platform.AbsoluteAnywhere(u.Exec[0]) {
		s.refuse("program path", "%q: is not absolute", u.Exec[0])
	}
	line, err := CommandLine(u.Exec)
	if err != nil {
		s.refuse("command", "%w", err)
	}
	s.r.BinaryPath = line
}

// environment is Env, in the form and the place that the SCM adds to the process's environment:
// a REG_MULTI_SZ of "NAME=value".
func (s *sheet) environment(u platform.Unit) {
	seen := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(u.Env)) {
		// Its value may be a secret: it is not repeated in an error.
		upper := strings.ToUpper(name)
		other, twice := seen[upper]
		switch err := errors.Join(sayable(name), sayable(u.Env[name])); {
		case err != nil:
			s.refuse("env", "%q: %w", name, err)
		case name == "" || strings.Contains(name, "="):
			s.refuse("env", "%q: is not the name of a variable", name)
		case twice:
			s.refuse("env", "%q: is the same as %q to Windows", name, other)
		}
		seen[upper] = name
		s.r.Environment = append(s.r.Environment, name+"="+u.Env[name])
	}
	slices.Sort(s.r.Environment)
}

// dependencies are After and Requires: the SCM knows one kind of dependency, which
// orders and requires.
func (s *sheet) dependencies(u platform.Unit) {
	for _, list := range []struct {
		field string
		names []string
	}{{"after", u.After}, {"requires", u.Requires}} {
		for _, name := range list.names {
			equal := func(other string) bool { return strings.EqualFold(other, name) }
			switch err := sayable(name); {
			case err != nil || name == "" || strings.ContainsAny(name, `/\`):
				s.refuse(list.field, "%q: is not the name of a service", name)
			case name[0] == '+':
				s.refuse(list.field, "%q: would name a group of services", name)
			case equal(u.ID.String()):
				s.refuse(list.field, "%q: is this service", name)
			case !slices.ContainsFunc(s.r.Dependencies, equal):
				s.r.Dependencies = append(s.r.Dependencies, name)
			}
		}
	}
}

// parameters are what we need to know of an installed service and the SCM does not.
func (s *sheet) parameters(u platform.Unit, d Dirs) {
	reload := s.milliseconds("reload_timeout", cmp.Or(u.ReloadTimeout, defaultReload))
	s.milliseconds("start_timeout", u.StartTimeout) // the service tells the SCM itself
	s.milliseconds("watchdog", u.Watchdog)          // the service minds it: see service.Config
	s.r.Parameters = map[string]string{
		paramMade:    made,
		paramRuntime: s.text("runtime_dir", cmp.Or(u.RuntimeDir, d.Runtime)),
		paramReload:  strconv.FormatUint(uint64(reload), 10),
		paramRestart: string(cmp.Or(u.Restart.Policy, platform.RestartNever)),
	}
	s.text("state_dir", u.StateDir)
}

// unheard refuses what the SCM has no ear for.
func (s *sheet) unheard(u platform.Unit) {
	if u.Group != "" {
		s.refuse("group", "%q: processes of Windows have those of their account", u.Group)
	}
	if u.Umask != nil && *u.Umask != defaultUmask {
		s.refuse("umask", "%04o: Windows has access lists instead", uint32(*u.Umask))
	}
	if u.WorkingDirectory != "" {
		s.refuse("working_directory", "%q: the SCM starts every service in System32", u.WorkingDirectory)
	}
	l := u.Limits
	for _, limit := range []struct {
		field string
		asked bool
	}{
		{"limits.nofile", l.NoFile != 0},
		{"limits.nproc", l.NProc != 0},
		{"limits.core", l.Core != nil},
		{"limits.memory", l.Memory != 0},
		{"limits.tasks", l.Tasks != 0},
		{"limits.cpu", l.CPU != 0},
		{"limits.nice", l.Nice != 0},
	} {
		if limit.asked {
			s.refuse(limit.field, "the SCM has no such thing")
		}
	}
	if len(u.Hardening.SupplementaryGrps) > 0 {
		s.refuse("hardening.supplementary_groups", "processes of Windows have those of their account")
	}
	if c := u.Hardening.Capabilities; len(c) > 0 && !slices.Equal(c, []string{"all"}) {
		s.refuse("hardening.capabilities", "Windows has privileges instead, which come with the account")
	}
}
