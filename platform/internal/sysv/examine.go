package sysv

import (
	"context"

	"github.com/holdfast-dev/holdfast/platform"
)

var _ platform.Examiner = (*Manager)(nil)

// Examine examines files and links.
func (m *Manager) Examine(ctx context.Context, id platform.ID) (platform.Examination, error) {
	e := m.machine.Examine(id)
	m.examinePlaces(ctx, id, &e)
	return e, nil
}
