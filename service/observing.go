package service

import (
	"github.com/holdfast-dev/holdfast/platform"
)

// maxEvents limits the events that wait for a busy Observer.
const maxEvents = 64

// noteEvent queues an event. It never blocks, because its caller also receives stop requests.
func (s *listener) noteEvent(e platform.Event) {
	select {
	case s.events <- e:
	default:
		s.logger().Warn("event lost: the program is busy with earlier events", "event", e.Kind, "session", e.Session)
	}
}

// observe passes events to the program until a stop is requested.
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
