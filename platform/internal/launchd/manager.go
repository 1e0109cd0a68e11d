package launchd

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// Options say who uses the Manager, and where services keep their files.
type Options struct {
	UID  int    // of the calling user, who owns the services of user scope
	Home string // home directory of that user
	// Dirs returns the default directories of a service.
	Dirs func(platform.ID) (Dirs, error)
	// State reads a state file. If it is nil, the file is read through the System, for tests.
	State func(path string) (state.State, error)
}

// Dirs are the directories of a service.
type Dirs struct{ Runtime, State, Logs string }

// A Manager manages services with launchd. It has no state, and queries the machine each time.
type Manager struct {
	sys platform.System
	o   Options
}

var _ platform.Manager = (*Manager)(nil)

// New returns a Manager for the machine sys.
func New(sys platform.System, o Options) *Manager {
	if o.State == nil {
		o.State = state.By(sys)
	}
	return &Manager{sys: sys, o: o}
}

// Name returns "launchd".
func (m *Manager) Name() string { return "launchd" }

// definition returns the installed property list of id, and reports whether holdfast made it.
// The error wraps platform.ErrNotInstalled if there is none.
func (m *Manager) definition(id platform.ID) (j job, file string, ours bool, err error) {
	if file, err = m.file(id); err != nil {
		return job{}, "", false, err
	}
	content, err := m.sys.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return job{}, file, false, platform.ErrNotInstalled
	case err != nil:
		return job{}, file, false, fmt.Errorf("property list: %w", err)
	}
	j, ours = parse(content)
	if j.Holdfast == nil {
		j.Holdfast = &note{}
	}
	return j, file, ours, nil
}

// dirs returns the default directories of id.
func (m *Manager) dirs(id platform.ID) (Dirs, error) {
	if m.o.Dirs == nil {
		return Dirs{}, fmt.Errorf("its directories are unknown: %w", platform.ErrBadUnit)
	}
	return m.o.Dirs(id)
}

func (m *Manager) exists(path string) bool {
	_, err := m.sys.Stat(path)
	return err == nil
}

// Logs returns the command that shows the file with standard output and error. A negative n
// means everything. launchd's own messages about a service are in the unified log: log show
// --predicate 'process == "launchd"'.
func (m *Manager) Logs(id platform.ID, n int, follow bool) []string {
	log := m.LogFile(id)
	if log == "" {
		return nil
	}
	lines := "+1"
	if n >= 0 {
		lines = strconv.Itoa(n)
	}
	argv := []string{"tail", "-n", lines}
	if follow {
		argv = append(argv, "-F")
	}
	return append(argv, log)
}

var _ platform.LogFiler = (*Manager)(nil)

// LogFile returns the file that receives standard error, from the installed property list.
func (m *Manager) LogFile(id platform.ID) string {
	j, _, _, err := m.definition(id)
	if err == nil && j.StandardErrorPath != "" {
		return j.StandardErrorPath
	}
	d, err := m.dirs(id)
	if err != nil {
		return ""
	}
	return logFile(d.Logs, id)
}
