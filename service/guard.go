package service

import (
	"context"
	"time"

	"github.com/fsnotify/fsnotify"
)

// guardEvery is how long a damaged PID or lock file goes unnoticed at most,
// where the system cannot tell us at once.
const guardEvery = 10 * time.Second

// guard watches over our PID and lock file until ctx ends: what somebody else
// removes or alters is logged, reported to Config.OnTamper and restored.
func (l *life) guard(ctx context.Context) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		// inotify(7) instances are limited per user. The clock still works.
		l.log.Debug("the PID file is only looked at from time to time", "error", err)
		w = &fsnotify.Watcher{}
	} else {
		defer func() { _ = w.Close() }()
	}
	tick := time.NewTicker(guardEvery)
	defer tick.Stop()
	for {
		// Watching a directory twice does nothing; one that was removed and made
		// again is a new one.
		if w.Events != nil {
			_ = w.Add(l.dirs.Runtime)
			_ = w.Add(l.dirs.State)
		}
		for _, err := range l.lock.Check() {
			l.log.Error("somebody tampered with our files", "error", err)
			if l.cfg.OnTamper != nil {
				_ = protect("OnTamper", func() error { l.cfg.OnTamper(err); return nil })
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-w.Events:
		case <-w.Errors:
		}
	}
}
