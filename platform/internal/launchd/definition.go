package launchd

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// A propertyList collects a definition, and the settings that it cannot express.
type propertyList struct {
	job job
	room.Refusals
}

func (p *propertyList) identity(u platform.Unit) {
	p.Add(checkID(u.ID))
	p.job.Label = label(u.ID)
	if u.Scope == platform.ScopeUser {
		p.RefuseIf(u.User != "", "user", "%q: cannot be set for a user service", u.User)
		p.RefuseIf(u.Group != "", "group", "%q: cannot be set for a user service", u.Group)
		// With both, the agent can be loaded while the user is not logged in at the screen.
		// Homebrew's services do the same.
		p.job.LimitLoadToSessionType = []string{"Aqua", "Background"}
		if len(u.Launchd.SessionTypes) > 0 {
			p.job.LimitLoadToSessionType = u.Launchd.SessionTypes
		}
		return
	}
	p.text("user", u.User)
	p.text("group", u.Group)
	p.job.UserName, p.job.GroupName = u.User, u.Group
}

func (p *propertyList) command(u platform.Unit) {
	p.argv("command", u.Exec)
	p.argv("reload command", u.Reload)
	switch {
	case len(u.Exec) == 0:
		p.Refuse("command", "is missing")
	case !path.IsAbs(u.Exec[0]):
		p.Refuse("program path", "%q: is not absolute", u.Exec[0])
	}
	p.job.ProgramArguments = u.Exec
	p.job.Holdfast = &note{Made: made, Reload: u.Reload, RuntimeDir: u.RuntimeDir}
	p.text("runtime_dir", u.RuntimeDir)
}

func (p *propertyList) surroundings(u platform.Unit) {
	p.text("working_directory", u.WorkingDirectory)
	p.job.WorkingDirectory = u.WorkingDirectory
	p.CheckUmask(u)
	p.job.Umask = int(*u.Umask)
	p.job.EnvironmentVariables = map[string]string{startedBy: u.Restart.Rule()}
	for _, name := range slices.Sorted(maps.Keys(u.Env)) {
		// The error must not contain the value, which may be a secret.
		switch err := errors.Join(sayable(name), sayable(u.Env[name])); {
		case err != nil:
			p.Refuse("env", "%q: %w", name, err)
		case name == "" || strings.Contains(name, "="):
			p.Refuse("env", "%q: is not the name of a variable", name)
		case name == startedBy || name == "XPC_SERVICE_NAME" || name == "XPC_FLAGS":
			p.Refuse("env", "%q: is reserved for launchd", name)
		}
		p.job.EnvironmentVariables[name] = u.Env[name]
	}
}

// restart says when launchd restarts the service. launchd does not count restarts, but can
// space them. So at most Max restarts within Window become one per Window/Max, without an end.
func (p *propertyList) restart(r platform.Restart) {
	p.CheckRestart(r)
	if r.Policy == platform.RestartNever {
		return
	}
	// SuccessfulExit = false is used for "always", too. With true, services would be restarted
	// that must stay down. See Policy.ExitCode.
	p.job.KeepAlive = &keepAlive{SuccessfulExit: r.Policy == platform.RestartOnSuccess}
	apart := p.seconds("restart.delay", r.Delay)
	if r.Max > 0 {
		apart = max(apart, p.seconds("restart.window", r.Window/time.Duration(r.Max)))
	}
	p.job.ThrottleInterval = max(apart, 1)
}

// timeouts sets launchd's timeouts later than our own.
func (p *propertyList) timeouts(u platform.Unit) {
	p.seconds("reload_timeout", u.ReloadTimeout) // enforced by the reload command
	p.seconds("watchdog", u.Watchdog)            // enforced by the service: see service.Config
	p.job.Holdfast.StartTimeout = p.seconds("start_timeout", u.StartTimeout+platform.StopMargin)
	p.job.ExitTimeOut = p.seconds("stop_timeout", u.StopTimeout+platform.StopMargin)
}

func (p *propertyList) limits(u platform.Unit) {
	l := u.Limits
	if l.NoFile != 0 || l.NProc != 0 || l.Core != nil {
		// Set both, because a Go program raises its soft limit of files to the hard limit.
		p.job.SoftResourceLimits = &limits{Core: l.Core, NumberOfFiles: l.NoFile, NumberOfProcesses: l.NProc}
		p.job.HardResourceLimits = p.job.SoftResourceLimits
	}
	switch {
	case l.Nice < -20 || l.Nice > 20:
		p.Refuse("limits.nice", "%d: is not between -20 and 20", l.Nice)
	case l.Nice < 0 && u.Scope == platform.ScopeUser:
		p.Refuse("limits.nice", "%d: a user service cannot get a higher priority", l.Nice)
	}
	p.job.Nice = l.Nice
}

// unsupported refuses settings for which launchd has no means.
func (p *propertyList) unsupported(u platform.Unit) {
	const (
		no    = "launchd has no such setting"
		order = "%q: launchd has no start order: let the program wait for what it needs"
	)
	p.RefuseIf(u.Limits.Memory != 0, "limits.memory", no)
	p.RefuseIf(u.Limits.Tasks != 0, "limits.tasks", no)
	p.RefuseIf(u.Limits.CPU != 0, "limits.cpu", no)
	p.RefuseIf(len(u.After) > 0, "after", order, u.After)
	p.RefuseIf(len(u.Requires) > 0, "requires", order, u.Requires)
	p.RefuseIf(len(u.Wants) > 0, "wants", order, u.Wants)
	p.RefuseIf(u.RootDirectory != "", "root_directory", "%q: other commands could not find the service's state", u.RootDirectory)
	p.RefuseIfNot("start_type", platform.OneOf(u.StartType, platform.StartTypes()))
	p.RefuseIf(u.StartType == platform.StartManual, "start_type", "%q: launchd starts every service with a restart policy as soon as it is loaded, at boot or at login", u.StartType)
	p.RefuseActivation(u)
	h := u.Hardening
	p.RefuseIf(len(h.SupplementaryGroups) > 0, "hardening.supplementary_groups", "launchd uses those of the user")
	p.RefuseIf(len(h.Capabilities) > 0 && !slices.Equal(h.Capabilities, []string{"all"}), "hardening.capabilities", no)
}

// directories sets the path of the log. It also passes the service its directories in the
// variables of systemd.exec(5), because a service that is not root would otherwise use its
// user's.
func (p *propertyList) directories(u platform.Unit, d Dirs) {
	p.text("directory of the log", d.Logs)
	if !path.IsAbs(d.Logs) {
		p.Refuse("directory of the log", "%q: is not absolute", d.Logs)
	}
	p.job.StandardOutPath = logFile(d.Logs, u.ID)
	p.job.StandardErrorPath = p.job.StandardOutPath
	if u.User == "" {
		return
	}
	for name, dir := range map[string]string{
		"RUNTIME_DIRECTORY": cmp.Or(u.RuntimeDir, d.Runtime), "STATE_DIRECTORY": cmp.Or(u.StateDir, d.State), "LOGS_DIRECTORY": d.Logs,
	} {
		if _, given := u.Env[name]; !given {
			p.text(name, dir)
			p.job.EnvironmentVariables[name] = dir
		}
	}
}

// seconds returns d in seconds, rounded up, for launchd.
func (p *propertyList) seconds(field string, d time.Duration) int {
	if d < 0 {
		p.Refuse(field, "%v: is negative", d)
	}
	return int((d + time.Second - 1) / time.Second)
}

func (p *propertyList) argv(field string, argv []string) {
	for _, arg := range argv {
		if err := sayable(arg); err != nil {
			p.Refuse(field, "%q: %w", arg, err)
		}
	}
}

func (p *propertyList) text(field, value string) {
	if err := sayable(value); err != nil {
		p.Refuse(field, "%q: %w", value, err)
	}
}

// sayable refuses values that XML 1.0 cannot represent, and values that could be mistaken for
// a line of their own in the output of `launchctl print`. It also refuses a byte order mark,
// which some readers remove: GNUstep's drops it at the beginning of a string.
func sayable(value string) error {
	if !utf8.ValidString(value) {
		return errors.New("is not UTF-8")
	}
	for _, r := range value {
		if r < ' ' && r != '\t' || r == 0x7f || r == 0xfeff || r == 0xfffe || r == 0xffff {
			return fmt.Errorf("has the character %U, which is not safe in a property list", r)
		}
	}
	return nil
}
