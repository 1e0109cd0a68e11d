package scm

import (
	"encoding/json"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// own is the part of the service's state file that we read: it says what the SCM
// cannot know.
type own struct {
	Process    struct{ PID int }
	Phase      platform.Phase
	PhaseSince time.Time `json:"phase_since"`
	StatusText string    `json:"status_text"`
	Restarts   int
	Reloads    struct {
		LastError string        `json:"last_error"`
		LastStart time.Duration `json:"last_start_ns"`
	}
}

// own reads what the process pid wrote about itself; the zero own if there is
// nothing, or somebody else wrote it.
func (m *Manager) own(id platform.ID, r platform.Registration, pid int) own {
	if pid == 0 {
		return own{}
	}
	runtime := r.Parameters[paramRuntime]
	if runtime == "" {
		d, err := m.dirs(id)
		if err != nil {
			return own{}
		}
		runtime = d.Runtime
	}
	content, err := m.sys.ReadFile(runtime + `\` + id.String() + ".state.json")
	if err != nil {
		return own{}
	}
	var s own
	if err := json.Unmarshal(content, &s); err != nil || s.Process.PID != pid {
		return own{}
	}
	return s
}
