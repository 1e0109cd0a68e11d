package cli

import (
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// with is m with the managers of a fallback; nil has none.
func (m machine) with(f platform.Fallback) machine {
	m.Manager = func(name string) (platform.Manager, error) { return native.ManagerOr(f, name) }
	m.System = native.WithFallback(f)
	return m
}

// managers are the names that --manager takes, for people.
func (a *app) managers() string {
	names := native.Managers()
	if a.cfg.Fallback != nil {
		names = slices.Concat(names, a.cfg.Fallback.Managers())
	}
	return strings.Join(names, ", ")
}

// lacks says what the service goes without where its manager does less than others: its
// process is not told by whom it was started, for one.
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
