package service

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

// noteReady records that this run has become ready, so that the next run knows how long it was
// well.
func (l *life) noteReady() error {
	if l.cfg.Restart.WithDefaults().Backoff <= 1 {
		return nil
	}
	return l.record.Ready()
}

// awaitTurn delays the start until as much time has passed since the end of the last run as
// [service.restart] demands, or until a stop is requested. The manager has waited for
// restart.delay already. The rest of the wait is ours under every manager, because none of
// them resets its delay once the service has been well for a while.
//
// There is no delay if somebody starts the service by hand in a terminal, or stopped it
// before. Nor is there one for another version, because its trial or the rollback would fail.
// The wait counts as progress, and is no part of the program's start_timeout.
func (l *life) awaitTurn() {
	r := l.cfg.Restart.WithDefaults()
	if r.Backoff <= 1 || l.again == 0 || l.last.Reboot || l.last.Change != recovery.Same {
		return
	}
	now := time.Now()
	ended := l.last.Ended
	if ended.IsZero() { // it was killed, and the manager has waited since
		ended = now.Add(-r.Delay)
	}
	quick, err := l.record.Quick(l.last, ended, r.ResetAfter)
	if err != nil {
		l.log.Warn("the next delay may be too short", "error", err)
	}
	wait := r.After(quick, rand.Float64()) - max(0, now.Sub(ended)) //nolint:gosec // nobody gains by guessing it
	if wait <= 0 {
		return
	}
	l.log.Info("waiting before the start, because the previous runs ended soon after their start", "in_a_row", quick, "for", wait.Round(time.Millisecond))
	defer l.state.update(func(s *State) { s.StatusText = "" })
	for end := now.Add(wait); ; {
		left := time.Until(end)
		if left <= 0 {
			text := fmt.Sprintf("waited %v before the start", wait.Round(100*time.Millisecond)) // replaces the text that systemd shows
			l.notify(platform.Notice{Text: text, Step: text, Extend: l.cfg.StartTimeout + platform.StopMargin})
			return
		}
		text := fmt.Sprintf("waiting before the start, because %d runs in a row ended soon after their start: %v left", quick, left.Round(100*time.Millisecond))
		l.state.update(func(s *State) { s.StatusText = text })
		l.notify(platform.Notice{Text: text, Step: text, Extend: l.cfg.StartTimeout + platform.StopMargin})
		step := time.NewTimer(min(left, l.cfg.StartTimeout/2))
		select {
		case <-step.C:
		case <-l.stopping.Done():
			step.Stop()
			return
		}
	}
}
