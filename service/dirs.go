package service

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// Dirs are the directories of a service. In order of precedence they come from
// Config (which flags set), from the manager (RUNTIME_DIRECTORY and so on,
// systemd.exec(5)), or from the platform: /run/NAME, /var/lib/NAME, /var/log/NAME
// and /etc/NAME for root on Linux, the XDG base directories for others.
type Dirs struct {
	Runtime string // PID file and state; may be emptied at a reboot
	State   string // what must survive a reboot
	Logs    string // not created by holdfast
	Config  string // likewise
}

// Dirs resolves the directories for this process: those of a service of the
// system for root, those of a service of the user for everybody else.
func (c Config) Dirs() (Dirs, error) { return c.DirsFor(native.OwnScope()) }

// DirsFor resolves the directories of the service in the given scope.
func (c Config) DirsFor(scope platform.Scope) (Dirs, error) {
	own, err := native.DirsFor(scope, c.ID("").String())
	if err != nil {
		return Dirs{}, err
	}
	return Dirs{
		Runtime: first(c.RuntimeDir, managed("RUNTIME_DIRECTORY"), own.Runtime),
		State:   first(c.StateDir, managed("STATE_DIRECTORY"), own.State),
		Logs:    first(managed("LOGS_DIRECTORY"), own.Logs),
		Config:  first(managed("CONFIGURATION_DIRECTORY"), own.Config),
	}, nil
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

func first(candidates ...string) string {
	for _, c := range candidates {
		if c != "" {
			return c
		}
	}
	return ""
}

// StateFile is the path of the [State] of the service id.
func (d Dirs) StateFile(id string) string { return state.Path(d.Runtime, id) }

// LastRunFile is the path of its last-run record, see package recovery.
func (d Dirs) LastRunFile(id string) string { return filepath.Join(d.State, id+".lastrun.json") }
