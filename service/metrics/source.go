package metrics

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/alarm"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

// A source provides all data about the service. It never blocks for a disk longer than
// patience.
type source struct {
	id       string
	watchdog time.Duration
	log      *slog.Logger
	last     recovery.LastRun
	state    func() state.State
	work     func() *recovery.Work
	alarms   func() alarm.Counts
	term     atomic.Uint64 // 0: none yet
	ended    atomic.Int64  // when the ordered stop reached the end of the metrics, as UnixNano; 0: not yet
}

func newSource(rt *service.Runtime) *source {
	cfg, journal := rt.Config(), rt.StatePath(".journal")
	s := &source{
		id: cfg.ID("").String(), watchdog: cfg.Watchdog, log: rt.Slog(), last: rt.Recovery(), state: rt.State, alarms: rt.AlarmCounts,
		work: remembered(func() *recovery.Work {
			w, err := recovery.ReadWork(journal)
			if err != nil {
				return nil
			}
			return w
		}),
	}
	go func() {
		s.term.Store(rt.Term().Token())
	}()
	return s
}

// over marks the service as stopped for the last export.
func (s *source) over() { s.ended.Store(time.Now().UnixNano()) }

func (s *source) now() state.State {
	now := s.state()
	if at := s.ended.Load(); at != 0 {
		now.Phase, now.PhaseSince = platform.PhaseStopped, time.Unix(0, at)
	}
	return now
}

// patience limits how long a scrape waits for a disk.
const patience = time.Second

// remembered returns a version of read that does not block longer than patience. If read
// hangs, it is not called again before it has returned, and the last result is used meanwhile.
func remembered[T any](read func() T) func() T {
	said := make(chan T, 1)
	calls := make(chan (<-chan struct{}), 1)
	var none T
	said <- none
	calls <- nil
	return func() T {
		call := <-calls
		select {
		case <-call:
			call = nil
		default:
		}
		if call == nil {
			done := make(chan struct{})
			call = done
			go func() {
				defer close(done)
				is := read()
				<-said
				said <- is
			}()
		}
		calls <- call
		enough := time.NewTimer(patience)
		defer enough.Stop()
		select {
		case <-call:
		case <-enough.C:
		}
		last := <-said
		said <- last
		return last
	}
}
