package scm

import (
	"errors"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// errNotOurs means that another process wrote the state file.
var errNotOurs = errors.New("the state file belongs to another process")

// own returns the state file that process pid, or its child on trial, has written. It says
// what the SCM cannot know.
func (m *Manager) own(id platform.ID, r Registration, pid int) (state.State, error) {
	runtime := r.Parameters[paramRuntime]
	if runtime == "" {
		d, err := m.dirs(id)
		if err != nil {
			return state.State{}, err
		}
		runtime = d.Runtime
	}
	s, err := m.o.State(runtime + `\` + state.FileName(id.String()))
	if err == nil && (pid == 0 || s.Process.PID != pid && s.Keeper != pid) {
		return state.State{}, errNotOurs
	}
	return s, err
}
