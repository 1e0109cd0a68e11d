package openrc

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

var _ platform.Examiner = (*Manager)(nil)

// Examine asks rc-service, and examines files.
func (m *Manager) Examine(ctx context.Context, id platform.ID) (platform.Examination, error) {
	e := m.machine.Examine(id)
	own := map[string]string{platform.MendEnable: strings.Join(update("add", id, "default"), " ")}
	maps.Copy(own, e.Own)
	e.Own = own
	code, err := m.code(ctx, id)
	if err != nil {
		return e, fmt.Errorf("examine %q: %w", id.String(), err)
	}
	if code == codeUnsupervised {
		e.Unwatched = "its supervise-daemon is gone"
	}
	return e, nil
}
