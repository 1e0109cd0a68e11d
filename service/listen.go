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

// A listener receives requests from outside for the whole time of Run, and passes them on to
// the gate and to contexts. It never blocks, so no request is lost.
type listener struct {
	host   platform.Host
	trial  *trial.Trial // nil: this version is confirmed
	gate   *reload.Gate
	events chan platform.Event // for an Observer
	log    atomic.Pointer[slog.Logger]
	deaf   bool // to reload requests, which the program handles itself

	stopping    context.Context // ends when a stop is requested; the cause says by whom or what
	requestStop context.CancelCauseFunc
	forced      context.Context // ends when the stop has to be cut short
	force       context.CancelCauseFunc
	over        chan struct{} // closed when there is nothing left to serve
	ended       chan struct{} // closed when the listener receives no more
	asked       bool          // a stop was requested from outside; valid once it has ended
}

// A stopRequest is the cause of a stop that somebody requested.
type stopRequest struct {
	source   string
	shutdown bool
}

func (r *stopRequest) Error() string { return "asked to stop by " + r.source }

// Is reports that a request because of a machine shutdown is [ErrShutdown].
func (r *stopRequest) Is(target error) bool { return r.shutdown && target == ErrShutdown }

// listen starts to receive requests. The caller must close over in the end.
func listen(ctx context.Context, host platform.Host, deaf bool) *listener {
	s := &listener{
		host: host, deaf: deaf, trial: trial.FromContext(ctx), gate: reload.New(),
		events: make(chan platform.Event, maxEvents), over: make(chan struct{}), ended: make(chan struct{}),
	}
	s.stopping, s.requestStop = context.WithCancelCause(context.Background())
	s.forced, s.force = context.WithCancelCause(context.Background())
	go s.serve(ctx)
	return s
}

// logTo sets the log for requests from now on.
func (s *listener) logTo(l *slog.Logger) { s.log.Store(l) }

// logger returns the log. It discards messages before logTo.
func (s *listener) logger() *slog.Logger {
	if l := s.log.Load(); l != nil {
		return l
	}
	return slog.New(slog.DiscardHandler)
}

func (s *listener) serve(ctx context.Context) {
	defer close(s.ended)
	stops := 0 // requests of the host
	ended := ctx.Done()
	for {
		select {
		case r := <-s.host.Requests():
			switch r.Kind {
			case platform.RequestReload:
				if s.deaf {
					continue
				}
				s.logger().Info("reload requested", "by", r.Source) // logged before the reload, to keep the log in order
				s.gate.Request()
			case platform.RequestStop:
				s.trial.StopAsked()
				s.asked = true
				if stops++; stops == 1 {
					s.requestStop(&stopRequest{r.Source, r.Shutdown})
					continue
				}
				s.force(fmt.Errorf("%w by a second request, %s", ErrForced, r.Source))
				s.logger().Warn("asked to stop again: exiting at once", "by", r.Source)
			case platform.RequestEvent:
				s.noteEvent(r.Event)
			}
		case <-ended:
			// This does not count as a request of the host: if the caller uses
			// signal.NotifyContext, both stand for the same signal.
			ended, s.asked = nil, true
			s.requestStop(&stopRequest{source: "its caller: " + context.Cause(ctx).Error()})
		case <-s.over:
			return
		}
	}
}
