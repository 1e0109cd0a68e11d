package cli

import (
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// with returns m with the managers of a fallback. f may be nil.
func (m machine) with(f platform.Fallback) machine {
	m.Manager = func(name string) (platform.Manager, error) { return native.ManagerOr(f, name) }
	m.System = native.WithFallback(f)
	return m
}

// managers returns the names that --manager accepts, for people.
func (a *app) managers() string {
	names := native.Managers()
	if a.cfg.Fallback != nil {
		names = slices.Concat(names, a.cfg.Fallback.Managers())
	}
	return strings.Join(names, ", ")
}

// lacks records what this manager does not do for the service, compared to others. For
// example, the process may not be told who started it.
func (r *report) lacks(m platform.Manager, id platform.ID, now state.Truth) {
	l, ok := m.(platform.Lesser)
	if !ok || !r.Installed {
		return
	}
	if r.StartedBy == "hand" && !now.Stranger {
		r.StartedBy = m.Name()
	}
	r.Missing = l.Missing(id)
}
