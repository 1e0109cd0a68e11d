package launchd

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/holdfast-dev/holdfast/platform"
)

const defaultUmask fs.FileMode = 0o027

// What holds where the unit says nothing; launchd's own ExitTimeOut is 5 s on
// some systems and 20 s on others (github.com/bobmatnyc/trusty-tools/issues/4393).
const (
	defaultStart = 90 * time.Second
	defaultStop  = 20 * time.Second
)

// sheet collects a property list and what cannot be said in it, so that a person
// learns of everything at once.
type sheet struct {
	job  job
	errs []error
}

// refuse records what is wrong with a field of the unit.
func (s *sheet) refuse(field, format string, args ...any) {
	err := fmt.Errorf(format, args...)
	s.errs = append(s.errs, fmt.Errorf("%s %w: %w", field, err, platform.ErrBadUnit))
}

func (s *sheet) identity(u platform.Unit) {
	if err := checkName(u.ID); err != nil {
		s.errs = append(s.errs, err)
	}
	s.job.Label = label(u.ID)
	if u.Scope == platform.ScopeUser {
		if u.User != "" || u.Group != "" {
			s.refuse("user or group", "cannot be chosen for a user's service")
		}
		// Both, so that it can be loaded where nobody sits at the screen. Homebrew's
		// services do the same.
		s.job.LimitLoadToSessionType = []string{"Aqua", "Background"}
		return
	}
	s.text("user", u.User)
	s.text("group", u.Group)
	s.job.UserName, s.job.GroupName = u.User, u.Group
}

func (s *sheet) command(u platform.Unit) {
	s.argv("command", u.Exec)
	s.argv("reload command", u.Reload)
	switch {
	case len(u.Exec) == 0:
		s.refuse("command", "is missing")
	case !path.IsAbs(u.Exec[0]):
		s.refuse("program path", "%q: is not absolute", u.Exec[0])
	}
	s.job.ProgramArguments = u.Exec
	s.job.Holdfast = &note{Made: made, Reload: u.Reload, RuntimeDir: u.RuntimeDir}
	s.text("runtime_dir", u.RuntimeDir)
}

func (s *sheet) surroundings(u platform.Unit) {
	s.text("working_directory", u.WorkingDirectory)
	s.job.WorkingDirectory = u.WorkingDirectory
	mask := defaultUmask
	if u.Umask != nil {
		mask = *u.Umask
	}
	if mask&^0o777 != 0 {
		s.refuse("umask", "%#o: is more than permissions", uint32(mask))
	}
	s.job.Umask = int(mask)
	s.job.EnvironmentVariables = map[string]string{startedBy: string(cmp.Or(u.Restart.Policy, platform.RestartNever))}
	for _, name := range slices.Sorted(maps.Keys(u.Env)) {
		// Its value may be a secret: it is not repeated in an error.
		switch err := errors.Join(sayable(name), sayable(u.Env[name])); {
		case err != nil:
			s.refuse("env", "%q: %w", name, err)
		case name == "" || strings.Contains(name, "="):
			s.refuse("env", "%q: is not the name of a variable", name)
		case name == startedBy || name == "XPC_SERVICE_NAME" || name == "XPC_FLAGS":
			s.refuse("env", "%q: is for launchd to set", name)
		}
		s.job.EnvironmentVariables[name] = u.Env[name]
	}
}

// restart says when launchd brings the service back. It counts no restarts, but
// keeps them apart: at most Max within Window is one per Window/Max, for as long
// as it takes.
func (s *sheet) restart(r platform.Restart) {
	if r.Max < 0 {
		s.refuse("restart.max", "%d: is negative", r.Max)
		return
	}
	switch r.Policy {
	case platform.RestartNever, "":
		return
	case platform.RestartOnFailure, platform.RestartAlways:
		// SuccessfulExit = false for "always", too: true beside it would bring back
		// what must stay down. See Policy.ExitCode.
		s.job.KeepAlive = &keepAlive{SuccessfulExit: false}
	default:
		s.refuse("restart.policy", "%q: is none of on-failure, always, never", r.Policy)
	}
	apart := s.seconds("restart.delay", r.Delay)
	if r.Max > 0 {
		apart = max(apart, s.seconds("restart.window", r.Window/time.Duration(r.Max)))
	}
	s.job.ThrottleInterval = max(apart, 1)
}

// timeouts puts launchd's limits behind our own.
func (s *sheet) timeouts(u platform.Unit) {
	s.seconds("reload_timeout", u.ReloadTimeout) // the reload command minds it
	s.seconds("watchdog", u.Watchdog)            // the service minds it: see service.Config
	s.job.Holdfast.StartTimeout = s.seconds("start_timeout", cmp.Or(u.StartTimeout, defaultStart)+platform.StopMargin)
	s.job.ExitTimeOut = s.seconds("stop_timeout", cmp.Or(u.StopTimeout, defaultStop)+platform.StopMargin)
}

func (s *sheet) limits(u platform.Unit) {
	l := u.Limits
	if l.NoFile != 0 || l.NProc != 0 || l.Core != nil {
		// Both: a Go program raises its soft limit of files to the hard one.
		s.job.SoftResourceLimits = &limits{Core: l.Core, NumberOfFiles: l.NoFile, NumberOfProcesses: l.NProc}
		s.job.HardResourceLimits = s.job.SoftResourceLimits
	}
	switch {
	case l.Nice < -20 || l.Nice > 20:
		s.refuse("limits.nice", "%d: is not between -20 and 20", l.Nice)
	case l.Nice < 0 && u.Scope == platform.ScopeUser:
		s.refuse("limits.nice", "%d: a user's service cannot be given precedence", l.Nice)
	}
	s.job.Nice = l.Nice
}

// unheard refuses what launchd has no ear for.
func (s *sheet) unheard(u platform.Unit) {
	const no = "launchd has no such thing"
	if u.Limits.Memory != 0 || u.Limits.Tasks != 0 || u.Limits.CPU != 0 {
		s.refuse("limits.memory, tasks or cpu", no)
	}
	if len(u.After) > 0 || len(u.Requires) > 0 {
		s.refuse("after or requires", "launchd keeps no order: let the program wait for what it needs")
	}
	if len(u.Hardening.SupplementaryGrps) > 0 {
		s.refuse("hardening.supplementary_groups", "launchd gives those of the user")
	}
	if c := u.Hardening.Capabilities; len(c) > 0 && !slices.Equal(c, []string{"all"}) {
		s.refuse("hardening.capabilities", no)
	}
}

// directories says where the log goes. A service that is not root would take its
// user's directories for its own: it is told, as systemd.exec(5) does.
func (s *sheet) directories(u platform.Unit, d Dirs) {
	s.text("directory of the log", d.Logs)
	if !path.IsAbs(d.Logs) {
		s.refuse("directory of the log", "%q: is not absolute", d.Logs)
	}
	s.job.StandardOutPath = logFile(d.Logs, u.ID)
	s.job.StandardErrorPath = s.job.StandardOutPath
	if u.User == "" {
		return
	}
	for name, dir := range map[string]string{
		"RUNTIME_DIRECTORY": cmp.Or(u.RuntimeDir, d.Runtime), "STATE_DIRECTORY": cmp.Or(u.StateDir, d.State), "LOGS_DIRECTORY": d.Logs,
	} {
		if _, given := u.Env[name]; !given {
			s.text(name, dir)
			s.job.EnvironmentVariables[name] = dir
		}
	}
}

// seconds is d in launchd's unit, rounded up.
func (s *sheet) seconds(field string, d time.Duration) int {
	if d < 0 {
		s.refuse(field, "%v: is negative", d)
	}
	return int((d + time.Second - 1) / time.Second)
}

func (s *sheet) argv(field string, argv []string) {
	for _, arg := range argv {
		if err := sayable(arg); err != nil {
			s.refuse(field, "%q: %w", arg, err)
		}
	}
}

func (s *sheet) text(field, value string) {
	if err := sayable(value); err != nil {
		s.refuse(field, "%q: %w", value, err)
	}
}

// sayable refuses what XML 1.0 has no character for, what would let a value pass for
// a line of its own in `launchctl print`, and the byte order mark, which a reader
// may take for one: GNUstep's drops it at the beginning of a string.
func sayable(value string) error {
	if !utf8.ValidString(value) {
		return errors.New("is not UTF-8")
	}
	for _, r := range value {
		if r < ' ' && r != '\t' || r == 0x7f || r == 0xfeff || r == 0xfffe || r == 0xffff {
			return fmt.Errorf("has the character %U, which a property list cannot hold safely", r)
		}
	}
	return nil
}
