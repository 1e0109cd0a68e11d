package scm

import (
	"context"
	"errors"
	"fmt"

	"github.com/holdfast-dev/holdfast/platform"
)

var _ platform.Examiner = (*Manager)(nil)

// Examine reads the registration.
func (m *Manager) Examine(_ context.Context, id platform.ID) (platform.Examination, error) {
	var e platform.Examination
	if id.Scope == platform.ScopeUser {
		return e, nil
	}
	r, d, err := m.definition(id)
	switch {
	case errors.Is(err, platform.ErrNotInstalled), err == nil && d == nil:
		return e, nil
	case err != nil:
		return e, fmt.Errorf("examine %q: %w", id.String(), err)
	}
	enable := "sc config " + id.String() + " start= delayed-auto"
	e.Own = map[string]string{platform.MendEnable: enable, platform.MendAllow: enable}
	if r.Disabled {
		e.Disabled = "its start type is disabled"
	}
	return e, nil
}
