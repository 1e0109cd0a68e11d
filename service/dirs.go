package service

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/alarm"
)

// Dirs are the directories of a service. In order of precedence they come from
//
//  1. Config, which flags may have set;
//  2. the manager that started this very process (RUNTIME_DIRECTORY and so on, systemd.exec(5));
//  3. the platform. On Linux these are /run/NAME, /var/lib/NAME, /var/log/NAME and /etc/NAME
//     for a system service, whoever its user is, and the XDG base directories for a user's
//     service.
//
// In any other process the variables are ignored: in a shell under another service, for
// example, they belong to that service.
type Dirs struct {
	Runtime string // PID file and state; may be emptied at a reboot
	State   string // what must survive a reboot
	Logs    string // not created by holdfast
	Config  string // likewise
}

// Dirs returns the directories of the service as any process finds them, in c.Scope. If that
// is empty, the scope is that of this process: system for root, user for everybody else. A
// running service uses [Runtime.Dirs].
func (c Config) Dirs() (Dirs, error) { return c.DirsFor(cmp.Or(c.Scope, native.OwnScope())) }

// DirsFor returns the directories of the service in the given scope.
func (c Config) DirsFor(scope platform.Scope) (Dirs, error) {
	return c.dirs(scope, func(string) string { return "" })
}

// ownDirs returns the directories of this process, which is the service. The variables of the
// manager count if a manager started it.
func (c *Config) ownDirs(manager string) (Dirs, error) {
	variable := managed
	if manager == "" {
		variable = func(string) string { return "" }
	}
	return c.dirs(cmp.Or(c.Scope, native.OwnScope()), variable)
}

func (c *Config) dirs(scope platform.Scope, variable func(string) string) (Dirs, error) {
	own, err := native.DirsFor(scope, c.ID("").String())
	d := Dirs{
		Runtime: cmp.Or(c.RuntimeDir, variable("RUNTIME_DIRECTORY"), own.Runtime),
		State:   cmp.Or(c.StateDir, variable("STATE_DIRECTORY"), own.State),
		Logs:    cmp.Or(variable("LOGS_DIRECTORY"), own.Logs),
		Config:  cmp.Or(variable("CONFIGURATION_DIRECTORY"), own.Config),
	}
	if err != nil && d.Runtime != "" && d.State != "" {
		err = nil // the user has no home directory, but none is needed
	}
	return d, err
}

// managed returns the directory that the manager made, or "". The manager may have made
// several, separated by colons; the first is ours.
func managed(variable string) string {
	dir, _, _ := strings.Cut(os.Getenv(variable), ":")
	if !filepath.IsAbs(dir) {
		return ""
	}
	return dir
}

// StateFile returns the path of the [State] of the service id.
func (d Dirs) StateFile(id string) string { return state.Path(d.Runtime, id) }

// SettingsFile returns the path of the settings in force of the program's own tables: see
// [state.ReadProgramSettings].
func (d Dirs) SettingsFile(id string) string { return state.ProgramSettingsPath(d.State, id) }

// LastRunFile returns the path of the last-run record: see package recovery.
func (d Dirs) LastRunFile(id string) string { return filepath.Join(d.State, id+".lastrun.json") }

// AlarmsFile returns the path of the alarms that are not delivered yet: see [alarm.Read].
func (d Dirs) AlarmsFile(id string) string { return alarm.File(d.State, id) }

// CrashFile returns the path of the crash report that the Go runtime wrote about the last run:
// see [recovery.ReadCrash]. A run that ends by itself leaves none.
func (d Dirs) CrashFile(id string) string { return filepath.Join(d.State, id+".crash") }
