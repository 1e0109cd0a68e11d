package scm

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// Names of our Parameters.
const (
	paramMade    = "Made"
	paramRuntime = "RuntimeDir"
	paramReload  = "ReloadTimeout" // milliseconds
	paramRestart = "Restart"       // the policy that the recovery actions follow
	paramSecret  = "PasswordFile"  // the file with the password of its account, read at each registration
	paramBefore  = "Before"        // the registration that was taken over, as JSON
)

// ownParameters returns all these names.
func ownParameters() []string {
	return []string{paramMade, paramRuntime, paramReload, paramRestart, paramSecret, paramBefore}
}

const made = "by holdfast: the next install or uninstall replaces this service"

// Render returns the registration of u. It does not touch the machine, and its result is the
// same on every operating system. If settings cannot be expressed, the error wraps
// platform.ErrBadUnit and names all of them.
func Render(u platform.Unit, dirs Dirs) (Registration, error) {
	u = u.WithDefaults()
	d := definition{r: Registration{OwnSID: true}}
	d.identity(u)
	d.command(u)
	d.account(u)
	d.environment(u)
	d.dependencies(u)
	d.r.Recovery = d.recovery(u.Restart, u.Windows.GiveUp)
	d.start(u)
	d.preshutdown(u)
	d.parameters(u, dirs)
	d.unsupported(u)
	if err := d.Err("service", u.ID); err != nil {
		return Registration{}, err
	}
	return d.r, nil
}

// A definition collects a registration, and the settings that it cannot express.
type definition struct {
	r        Registration
	password string // the path of the file with the password
	room.Refusals
}

func (d *definition) text(field, value string) string {
	if err := sayable(value); err != nil {
		d.Refuse(field, "%q: %w", value, err)
	}
	return value
}

// maxDisplayName is the longest display name: see CreateService.
const maxDisplayName = 256

func (d *definition) identity(u platform.Unit) {
	d.Add(checkID(u.ID))
	d.r.Name = u.ID.String()
	d.r.DisplayName = d.text("display_name", u.DisplayName)
	// The SCM refuses a second service with the same display name.
	if u.Instance != "" {
		d.r.DisplayName += " (" + u.Instance + ")"
	}
	if utf16Len(d.r.DisplayName) > maxDisplayName {
		d.Refuse("display_name", "has more than %d characters", maxDisplayName)
	}
	d.r.Description = d.text("description", u.Description)
}

func (d *definition) command(u platform.Unit) {
	if len(u.Exec) == 0 {
		d.Refuse("command", "is missing")
		return
	}
	// A path that is absolute only on another system may be part of a plan that is made there.
	// Windows would refuse it at the start.
	if !platform.AbsoluteAnywhere(u.Exec[0]) {
		d.Refuse("program path", "%q: is not absolute", u.Exec[0])
	}
	line, err := CommandLine(u.Exec)
	if err != nil {
		d.Refuse("command", "%w", err)
	}
	d.r.BinaryPath = line
}

// environment sets the variables in the form that the SCM adds to the process's environment: a
// REG_MULTI_SZ of "NAME=value".
func (d *definition) environment(u platform.Unit) {
	seen := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(u.Env)) {
		// The error must not contain the value, which may be a secret.
		upper := strings.ToUpper(name)
		other, twice := seen[upper]
		switch err := errors.Join(sayable(name), sayable(u.Env[name])); {
		case err != nil:
			d.Refuse("env", "%q: %w", name, err)
		case name == "" || strings.Contains(name, "="):
			d.Refuse("env", "%q: is not the name of a variable", name)
		case twice:
			d.Refuse("env", "%q: is the same as %q on Windows", name, other)
		}
		seen[upper] = name
		d.r.Environment = append(d.r.Environment, name+"="+u.Env[name])
	}
	slices.Sort(d.r.Environment)
}

// start sets when the SCM starts the service automatically.
func (d *definition) start(u platform.Unit) {
	start := u.Windows.Start
	if u.StartType == platform.StartManual && start != platform.WindowsDisabled {
		start = platform.WindowsManual
	}
	switch start {
	case platform.WindowsDelayed:
		d.r.Enabled, d.r.Delayed = true, true
	case platform.WindowsAuto:
		d.r.Enabled = true
	case platform.WindowsManual:
	case platform.WindowsDisabled:
		d.r.Disabled = true
	}
	d.RefuseIfNot("start_type", platform.OneOf(u.StartType, platform.StartTypes()))
	d.RefuseActivation(u)
	d.RefuseIfNot("windows.start", platform.OneOf(u.Windows.Start, platform.WindowsStarts()))
}

// preshutdown sets how long a shutdown waits: at least as long as the service takes to stop.
func (d *definition) preshutdown(u platform.Unit) {
	d.r.Preshutdown = d.milliseconds("stop_timeout", u.StopTimeout+platform.StopMargin)
	if own := u.Windows.Preshutdown; own != 0 {
		d.r.Preshutdown = d.milliseconds("windows.preshutdown_timeout", own)
		d.RefuseIf(own < u.StopTimeout, "windows.preshutdown_timeout", "%v: is shorter than stop_timeout, %v", own, u.StopTimeout)
	}
}

// dependencies sets After and Requires. The SCM has only one kind of dependency, which orders
// and requires.
func (d *definition) dependencies(u platform.Unit) {
	for _, list := range []struct {
		field string
		names []string
	}{{"after", u.After}, {"requires", u.Requires}, {"windows.dependencies", u.Windows.Dependencies}} {
		for _, name := range list.names {
			equal := func(other string) bool { return strings.EqualFold(other, name) }
			switch err := sayable(name); {
			case err != nil || name == "" || name == "+" || strings.ContainsAny(name, `/\`):
				d.Refuse(list.field, "%q: is not the name of a service", name)
			case name[0] == '+' && list.field != "windows.dependencies":
				d.Refuse(list.field, "%q: is a group of services of Windows: name it in windows.dependencies", name)
			case equal(u.ID.String()):
				d.Refuse(list.field, "%q: is this service", name)
			case !slices.ContainsFunc(d.r.Dependencies, equal):
				d.r.Dependencies = append(d.r.Dependencies, name)
			}
		}
	}
}

// parameters sets what we need to know of an installed service and the SCM does not.
func (d *definition) parameters(u platform.Unit, dirs Dirs) {
	reload := d.milliseconds("reload_timeout", u.ReloadTimeout)
	d.milliseconds("start_timeout", u.StartTimeout) // the service itself reports it to the SCM
	d.milliseconds("watchdog", u.Watchdog)          // enforced by the service: see service.Config
	d.r.Parameters = map[string]string{
		paramMade:    made,
		paramRuntime: d.text("runtime_dir", cmp.Or(u.RuntimeDir, dirs.Runtime)),
		paramReload:  strconv.FormatUint(uint64(reload), 10),
		paramRestart: u.Restart.Rule(),
	}
	if d.password != "" {
		d.r.Parameters[paramSecret] = d.password
	}
	d.text("state_dir", u.StateDir)
}

// unsupported refuses settings for which the SCM has no means.
func (d *definition) unsupported(u platform.Unit) {
	const (
		no     = "the SCM has no such setting"
		groups = "processes on Windows have the groups of their account"
	)
	d.RefuseIf(u.Group != "", "group", "%q: "+groups, u.Group)
	d.RefuseIf(*u.Umask != *platform.Defaults().Umask, "umask", "%04o: Windows uses access lists instead", uint32(*u.Umask))
	d.RefuseIf(u.RootDirectory != "", "root_directory", "%q: "+no, u.RootDirectory)
	d.RefuseIf(u.WorkingDirectory != "", "working_directory", "%q: the SCM starts every service in System32", u.WorkingDirectory)
	d.RefuseIf(len(u.Wants) > 0, "wants", "%q: the SCM starts required services, and knows no other dependencies", u.Wants)
	l, h := u.Limits, u.Hardening
	d.RefuseIf(l.NoFile != 0, "limits.nofile", no)
	d.RefuseIf(l.NProc != 0, "limits.nproc", no)
	d.RefuseIf(l.Core != nil, "limits.core", no)
	d.RefuseIf(l.Memory != 0, "limits.memory", no)
	d.RefuseIf(l.Tasks != 0, "limits.tasks", no)
	d.RefuseIf(l.CPU != 0, "limits.cpu", no)
	d.RefuseIf(l.Nice != 0, "limits.nice", no)
	d.RefuseIf(len(h.SupplementaryGroups) > 0, "hardening.supplementary_groups", groups)
	d.RefuseIf(len(h.Capabilities) > 0 && !slices.Equal(h.Capabilities, []string{"all"}),
		"hardening.capabilities", "Windows has privileges instead, which come with the account")
}
