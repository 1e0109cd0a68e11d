package launchd

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// Options say who asks, and where services keep their files.
type Options struct {
	UID  int    // of who asks; his are the services of a user
	Home string // his home directory
	// Dirs are the directories that a service has if nobody says otherwise.
	Dirs func(platform.ID) (Dirs, error)
	// State reads a state file. Nil: by the System, which tests have instead of files.
	State func(path string) (state.State, error)
}

// Dirs are directories of one service.
type Dirs struct{ Runtime, State, Logs string }

// Manager keeps services with launchd. It holds no state: every answer is a new
// question to the machine.
type Manager struct {
	sys platform.System
	o   Options
}

var _ platform.Manager = (*Manager)(nil)

// New makes a Manager that reaches the machine through sys.
func New(sys platform.System, o Options) *Manager {
	if o.State == nil {
		o.State = state.By(sys)
	}
	return &Manager{sys: sys, o: o}
}

// Name is "launchd".
func (m *Manager) Name() string { return "launchd" }

// definition is the installed property list of id; ours is false for one that
// somebody else made. The error wraps platform.ErrNotInstalled if there is none.
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

// dirs are those of id, as its definition has them.
func (m *Manager) dirs(id platform.ID) (Dirs, error) {
	if m.o.Dirs == nil {
		return Dirs{}, fmt.Errorf("its directories are not known: %w", platform.ErrBadUnit)
	}
	return m.o.Dirs(id)
}

func (m *Manager) exists(path string) bool {
	_, err := m.sys.Stat(path)
	return err == nil
}

// Logs shows the file that standard output and error go to; n below 0 is the
// whole of it. launchd's own words about a service are in the unified log:
// log show --predicate 'process == "launchd"'.
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

// LogFile is where its property list has standard error go to.
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
