package service

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-dev/holdfast/singleton"
)

// How often we look at our PID and lock file: a look is a few system calls.
// Whoever has damaged a file may do it again, so for a while after that we look
// more often.
//
// Why not inotify(7): it makes the end of every process that uses it some 10 ms
// longer, because the kernel waits for its readers before it lets an instance
// go (fsnotify_wait_marks_destroyed in fs/notify/mark.c).
const (
	guardEvery = time.Second
	guardAfter = 10 * time.Millisecond // then twice as long, up to guardEvery
)

// guard watches over our PID and lock file until ctx ends: what somebody else
// removes or alters is logged, reported to Config.OnTamper and restored. So is
// the state file, in silence.
func (l *life) guard(ctx context.Context) {
	wait := guardEvery
	next := time.NewTimer(wait)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		wait = min(2*wait, guardEvery)
		found := l.lock.Check()
		if err := l.state.restore(); err != nil {
			l.log.Warn("state is out of date", "error", err)
		}
		for _, err := range found {
			if !errors.Is(err, singleton.ErrBroken) { // what cannot be put right is no reason to hurry
				wait = guardAfter
			}
			l.log.Error("somebody tampered with our files", "error", err)
			if l.cfg.OnTamper != nil {
				_ = protect("OnTamper", func() error { l.cfg.OnTamper(err); return nil })
			}
		}
		next.Reset(wait)
	}
}
