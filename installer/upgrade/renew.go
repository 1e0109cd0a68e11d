package upgrade

import (
	"context"

	"github.com/holdfast-dev/holdfast/platform"
)

// renew restarts the service if a process of the previous version still runs the confirmed one
// as its child. The upgrade stays confirmed whatever the outcome.
func (e *Engine) renew(ctx context.Context) (up bool, err error) {
	if !e.status(ctx).Kept {
		return true, nil
	}
	if err := e.step(stepRenew); isCut(err) {
		return false, err
	}
	e.away = e.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, e.Restore, platform.ErrTimeout)
	defer cancel()
	failed := e.Restart(ctx)
	for {
		l := e.status(ctx)
		switch {
		case l.Ready && !l.Kept:
			return true, nil
		case !l.Running && failed == nil: // somebody has stopped it meanwhile
			return true, nil
		case !l.Running:
			e.note("it is confirmed, but did not start again: " + failed.Error() + behind(l.Why))
			return false, nil
		}
		if late := e.Sleep(ctx, statusEvery); late != nil {
			e.note("it is confirmed, but not ready: " + late.Error() + behind(l.Why))
			return false, nil
		}
	}
}
