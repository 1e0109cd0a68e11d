package service

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/holdfast-dev/holdfast/installer/trial"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/reload"
)

// listener receives what the outside asks for, from the first line of Run to
// its last, and turns it into requests to the gate and ends of contexts. It
// never waits for anybody, so that nothing that is asked for is ever lost.
type listener struct {
	host   platform.Host
	trial  *trial.Trial // nil: this version is confirmed
	gate   *reload.Gate
	events chan platform.Event // for an Observer
	log    atomic.Pointer[slog.Logger]
	deaf   bool // to requests for a reload: they are for the program itself

	stopping    context.Context // ends when a stop is asked for; the cause says by whom or what
	requestStop context.CancelCauseFunc
	forced      context.Context // ends when the stop must not take any longer
	force       context.CancelCauseFunc
	over        chan struct{} // closed when there is nothing left to serve
}

// stopRequest is the cause of a stop that somebody asked for.
type stopRequest struct {
	source   string
	shutdown bool
}

func (r *stopRequest) Error() string { return "asked to stop by " + r.source }

// Is has one because of the whole machine be [ErrShutdown].
func (r *stopRequest) Is(target error) bool { return r.shutdown && target == ErrShutdown }

// listen begins to receive. Whoever calls it closes over in the end.
func listen(ctx context.Context, host platform.Host, deaf bool) *listener {
	s := &listener{
		host: host, deaf: deaf, trial: trial.FromContext(ctx), gate: reload.New(),
		events: make(chan platform.Event, maxEvents), over: make(chan struct{}),
	}
	s.stopping, s.requestStop = context.WithCancelCause(context.Background())
	s.forced, s.force = context.WithCancelCause(context.Background())
	go s.serve(ctx)
	return s
}

// logTo has what is received logged from now on.
func (s *listener) logTo(l *slog.Logger) { s.log.Store(l) }

// logger drops what comes before there is a log.
func (s *listener) logger() *slog.Logger {
	if l := s.log.Load(); l != nil {
		return l
	}
	return slog.New(slog.DiscardHandler)
}

func (s *listener) serve(ctx context.Context) {
	stops := 0 // asked for by the host
	ended := ctx.Done()
	for {
		select {
		case r := <-s.host.Requests():
			switch r.Kind {
			case platform.RequestReload:
				if s.deaf {
					continue
				}
				s.logger().Info("reload requested", "by", r.Source) // before it is: the log is in order
				s.gate.Request()
			case platform.RequestStop:
				s.trial.StopAsked()
				if stops++; stops == 1 {
					s.requestStop(&stopRequest{r.Source, r.Shutdown})
					continue
				}
				s.force(fmt.Errorf("%w by a second request, %s", ErrForced, r.Source))
				s.logger().Warn("asked to stop again: leaving at once", "by", r.Source)
			case platform.RequestEvent:
				s.noteEvent(r.Event)
			}
		case <-ended:
			// It does not count as a request of the host: where the caller uses
			// signal.NotifyContext, both stand for the same signal.
			ended = nil
			s.requestStop(&stopRequest{source: "its caller: " + context.Cause(ctx).Error()})
		case <-s.over:
			return
		}
	}
}
