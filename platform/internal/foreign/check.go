package foreign

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"sync"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// plain matches a word that all templates of the library can contain unchanged. They quote
// little, and each in its own way. It is compiled when it is first needed.
var plain = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`) })

// Check returns errors for the settings in u that the library's definition for this init
// cannot express. They wrap [platform.ErrBadUnit] and name the setting.
func (i Init) Check(u platform.Unit) error {
	var r room.Refusals
	r.Add(room.CheckID(u.ID))
	if u.Scope == platform.ScopeUser {
		r.Add(fmt.Errorf("scope %q: %s has no user services: use --scope system: %w", u.Scope, i.Name, platform.ErrBadUnit))
	}
	if i.checkName != nil {
		if err := i.checkName(u.ID.String()); err != nil {
			r.Add(fmt.Errorf("name %q: %w: %w", u.ID, err, platform.ErrBadUnit))
		}
	}
	for _, word := range u.Exec {
		r.RefuseIf(!plain().MatchString(word), "command", "argument %q: the library does not quote it: use letters, digits and _@%%+=:,./- only", word)
	}
	r.RefuseIf(len(u.Exec) == 0 || !strings.HasPrefix(u.Exec[0], "/"), "command", "%q: is not an absolute path", u.Exec)
	i.checkSettings(&r, u)
	return r.Err("the definition for "+i.Name, u.ID)
}

func (i Init) checkSettings(r *room.Refusals, u platform.Unit) {
	const none = "its definition has no place for it"
	d := platform.Defaults()
	r.RefuseIf(u.User != "" && u.User != "root", "user", "%q: %s: it would run as root", u.User, none)
	r.RefuseIf(u.Group != "", "group", "%q: %s", u.Group, none)
	r.RefuseIf(len(u.Hardening.SupplementaryGroups) > 0, "hardening.supplementary_groups", "%q: %s", u.Hardening.SupplementaryGroups, none)
	r.RefuseIf(len(u.Env) > 0, "env", "%d variables: %s", len(u.Env), none)
	r.RefuseIf(u.RootDirectory != "", "root_directory", "%q: %s", u.RootDirectory, none)
	r.RefuseIf(u.Umask != nil && *u.Umask != *d.Umask, "umask", "%04o: %s", umask(u), none)
	r.RefuseIf(u.StartType != "" && u.StartType != platform.StartAuto, "start_type", "%q: it starts at boot", u.StartType)
	r.RefuseActivation(u)
	r.RefuseIf(u.Supervise, "supervise", "true: its definition starts the program itself")
	for _, named := range room.Ordered(u) {
		r.Refuse(named.Key, "%q: its place in the boot order is fixed", named.Name)
	}
	if dir := u.WorkingDirectory; dir != "" && dir != "/" {
		r.RefuseIf(!i.words, "working_directory", "%q: %s", dir, none)
		r.RefuseIf(!plain().MatchString(dir), "working_directory", "%q: the library does not quote it: use letters, digits and _@%%+=:,./- only", dir)
	}
	for key, text := range map[string]string{"display_name": u.DisplayName, "description": u.Description} {
		r.RefuseIf(strings.ContainsAny(text, "\"\\\n\r\x00"), key, "%q: the library does not quote it: leave out quotation marks, backslashes and ends of lines", text)
	}
	i.checkRestart(r, u.WithDefaults().Restart, d.Restart)
	for key, value := range map[string]uint64{
		"limits.nofile": u.Limits.NoFile, "limits.nproc": u.Limits.NProc, "limits.memory": uint64(u.Limits.Memory), "limits.tasks": u.Limits.Tasks, "limits.cpu": u.Limits.CPU,
	} {
		r.RefuseIf(value != 0, key, "%d: %s", value, none)
	}
	r.RefuseIf(u.Limits.Core != nil, "limits.core", "is set: %s", none)
	r.RefuseIf(u.Limits.Nice != 0, "limits.nice", "%d: %s", u.Limits.Nice, none)
}

// checkRestart accepts the default policy, and what the init does anyway.
func (i Init) checkRestart(r *room.Refusals, wanted, usual platform.Restart) {
	has := platform.RestartNever
	if i.restarts {
		has = platform.RestartAlways
	}
	r.RefuseIf(wanted.Policy != usual.Policy && wanted.Policy != has, "restart.policy", "%q: %s", wanted.Policy, i.starts)
	r.RefuseIf(wanted.Delay != usual.Delay, "restart.delay", "%v: %s", wanted.Delay, i.starts)
	r.RefuseIf(wanted.Max != usual.Max, "restart.max", "%d: %s", wanted.Max, i.starts)
	r.RefuseIf(wanted.Window != usual.Window, "restart.window", "%v: %s", wanted.Window, i.starts)
	r.RefuseIf(!reflect.DeepEqual(wanted.Success, usual.Success), "restart.success_exit_codes", "%v: %s", wanted.Success, i.starts)
}

func umask(u platform.Unit) uint32 {
	if u.Umask == nil {
		return 0
	}
	return uint32(*u.Umask)
}

// variable checks a name that becomes part of the name of a shell variable.
func variable(name string) error {
	if !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`).MatchString(name) {
		return errors.New("rc.subr(8) makes variables of it: use letters, digits and _ only")
	}
	return nil
}

func fmri(name string) error {
	if !regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.,-]*$`).MatchString(name) {
		return errors.New("is not a valid name of an SMF service")
	}
	return nil
}

func subsystem(name string) error {
	const most = 30 // mkssys
	if len(name) > most || !regexp.MustCompile(`^[A-Za-z0-9_.-]+$`).MatchString(name) {
		return fmt.Errorf("is not a valid name of a subsystem: use at most %d letters, digits and _.-", most)
	}
	return nil
}

func job(name string) error {
	if strings.Contains(name, "@") {
		return errors.New("is not a valid name of a job: instances are not supported")
	}
	return nil
}
