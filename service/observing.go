package service

import (
	"github.com/holdfast-dev/holdfast/platform"
)

// maxEvents is how many events may wait for a busy Observer.
const maxEvents = 64

// noteEvent never waits: whoever brings events brings stops as well.
func (s *listener) noteEvent(e platform.Event) {
	select {
	case s.events <- e:
	default:
		s.logger().Warn("event lost: the program is busy with earlier ones", "event", e.Kind, "session", e.Session)
	}
}

// observe hands the events to the program until a stop is asked for.
func (l *life) observe(o Observer) {
	ctx := l.with(l.stopping)
	for {
		select {
		case e := <-l.events:
			if err := protect("Observe", func() error { o.Observe(ctx, e); return nil }); err != nil {
				l.fail(err)
				return
			}
		case <-l.stopping.Done():
			return
		}
	}
}
