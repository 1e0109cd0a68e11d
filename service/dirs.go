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
// Config (which flags set), from the manager that started this very process
// (RUNTIME_DIRECTORY and so on, systemd.exec(5)), or from the platform:
// /run/NAME, /var/lib/NAME, /var/log/NAME and /etc/NAME for a service of the
// system on Linux, whoever its user is, and the XDG base directories for one of a
// user. The same variables in the environment of anybody else, a shell under
// another service for one, are another service's and count for nothing.
type Dirs struct {
	Runtime string // PID file and state; may be emptied at a reboot
	State   string // what must survive a reboot
	Logs    string // not created by holdfast
	Config  string // likewise
}

// Dirs resolves the directories of the service as anybody finds them, in c.Scope,
// or, where that is empty, in the scope of this process: a service of the system
// for root, of the user for everybody else. A running service's own are
// [Runtime.Dirs].
func (c Config) Dirs() (Dirs, error) { return c.DirsFor(cmp.Or(c.Scope, native.OwnScope())) }

// DirsFor resolves the directories of the service in the given scope.
func (c Config) DirsFor(scope platform.Scope) (Dirs, error) {
	return c.dirs(scope, func(string) string { return "" })
}

// ownDirs are the directories of this process, which is the service. The
// manager's variables count if a manager started it.
func (c Config) ownDirs(manager string) (Dirs, error) {
	variable := managed
	if manager == "" {
		variable = func(string) string { return "" }
	}
	return c.dirs(cmp.Or(c.Scope, native.OwnScope()), variable)
}

func (c Config) dirs(scope platform.Scope, variable func(string) string) (Dirs, error) {
	own, err := native.DirsFor(scope, c.ID("").String())
	d := Dirs{
		Runtime: cmp.Or(c.RuntimeDir, variable("RUNTIME_DIRECTORY"), own.Runtime),
		State:   cmp.Or(c.StateDir, variable("STATE_DIRECTORY"), own.State),
		Logs:    cmp.Or(variable("LOGS_DIRECTORY"), own.Logs),
		Config:  cmp.Or(variable("CONFIGURATION_DIRECTORY"), own.Config),
	}
	if err != nil && d.Runtime != "" && d.State != "" {
		err = nil // a user without a home directory: nothing of it is needed
	}
	return d, err
}

// managed is the directory that the manager made. It may have made several, and
// separates them by colons; the first is ours.
func managed(variable string) string {
	dir, _, _ := strings.Cut(os.Getenv(variable), ":")
	if !filepath.IsAbs(dir) {
		return ""
	}
	return dir
}

// StateFile is the path of the [State] of the service id.
func (d Dirs) StateFile(id string) string { return state.Path(d.Runtime, id) }

// SettingsFile is the path of what it has in force of its program's own tables, see
// [state.ReadProgramSettings].
func (d Dirs) SettingsFile(id string) string { return state.ProgramSettingsPath(d.State, id) }

// LastRunFile is the path of its last-run record, see package recovery.
func (d Dirs) LastRunFile(id string) string { return filepath.Join(d.State, id+".lastrun.json") }

// AlarmsFile is the path of the alarms that nobody has taken yet, see [alarm.Read].
func (d Dirs) AlarmsFile(id string) string { return alarm.File(d.State, id) }

// CrashFile is the path of what the runtime of Go said when it ended the last run, see
// [recovery.ReadCrash]; a run that ends by itself leaves none.
func (d Dirs) CrashFile(id string) string { return filepath.Join(d.State, id+".crash") }
