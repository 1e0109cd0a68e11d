package launchd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

var _ platform.Examiner = (*Manager)(nil)

// Examine reads the property list. launchd itself says no more than what Status returns.
func (m *Manager) Examine(ctx context.Context, id platform.ID) (platform.Examination, error) {
	var e platform.Examination
	j, file, ours, err := m.definition(id)
	if errors.Is(err, platform.ErrNotInstalled) {
		return e, nil
	}
	if err != nil {
		return e, fmt.Errorf("examine %q: %w", id.String(), err)
	}
	if !ours {
		return e, nil
	}
	e.KillAfter = time.Duration(max(0, j.ExitTimeOut)) * time.Second
	if info, err := m.sys.Stat(file); err == nil && info != nil && info.Mode().Perm()&0o022 != 0 {
		e.Broken = fmt.Sprintf("launchd does not load a file that others could change: the mode of %s is %04o", file, info.Mode().Perm())
	}
	_, domain, err := m.query(ctx, id)
	if err != nil {
		return e, m.failed(ctx, "examine", id, err)
	}
	e.Own = map[string]string{platform.MendEnable: "launchctl enable " + target(domain, id)}
	return e, nil
}
