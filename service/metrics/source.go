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

// source is all that is known of the service. None of it waits for a disk.
type source struct {
	id       string
	watchdog time.Duration
	log      *slog.Logger
	last     recovery.LastRun
	state    func() state.State
	work     func() *recovery.Work
	alarms   func() alarm.Counts
	term     atomic.Uint64 // 0: it is not on the disk yet
	ended    atomic.Int64  // when the ordered stop had come to the end of what can be told, by UnixNano; 0: it has not
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
		if term, err := rt.Term(); err == nil {
			s.term.Store(term)
		}
	}()
	return s
}

// over says that the ordered stop has come to its end as far as anybody can be told.
func (s *source) over() { s.ended.Store(time.Now().UnixNano()) }

func (s *source) now() state.State {
	now := s.state()
	if at := s.ended.Load(); at != 0 {
		now.Phase, now.PhaseSince = platform.PhaseStopped, time.Unix(0, at)
	}
	return now
}

// patience is how long a scrape waits for a disk.
const patience = time.Second

// remembered is read, which may hang: it is waited for a while, and not called again
// before it has returned; until then there is what it said last.
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
