package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/singleton"
)

// errEnded means that there is nobody any more who could become ready.
var errEnded = errors.New("it ended before it was ready")

// Readiness is looked for that often, and the supervisor's PID file that long.
const (
	awaitEvery   = 20 * time.Millisecond
	awaitPIDFile = 5 * time.Second
)

// wait is the wait for a service to become ready that a script has just started.
type wait struct {
	starter string
	pid     int
	pidFile string
	limit   time.Duration // between two signs of progress, as start_timeout has it

	watched proc.Identity // while it lives, the service may become ready; zero: not known yet
}

func (w *wait) ready(ctx context.Context, t *target) error {
	begun := t.Now()
	clock := time.NewTimer(w.limit)
	defer clock.Stop()
	tick := time.NewTicker(awaitEvery)
	defer tick.Stop()
	var first proc.Identity
	progress := ""
	for {
		// Asked before we look for readiness: it cannot get ready after its end.
		alive, err := w.alive(t, begun)
		if err != nil {
			return err
		}
		s, ok := w.state(ctx, t)
		switch {
		case ok && s.Ready() && w.watched.PID != 0:
			return nil
		case !alive:
			return errEnded
		case ok && first.PID == 0:
			first = s.Process
		case ok && s.Process.Same(first) && s.StatusText != progress:
			// Real progress. A process that a supervisor has started in its stead
			// gets no time of its own.
			progress = s.StatusText
			clock.Reset(w.limit)
		}
		select {
		case <-tick.C:
		case <-clock.C:
			return fmt.Errorf("it is not ready: %w (%v)", platform.ErrTimeout, w.limit)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// state is the holder's, if it was started by whom we wait for.
func (w *wait) state(ctx context.Context, t *target) (state.State, bool) {
	h, err := t.probe(ctx, t.lock())
	if err != nil || !h.Known() || h.Origin != w.starter {
		return state.State{}, false
	}
	s, err := t.state(h)
	return s, err == nil
}

// alive reports whether the service may still become ready.
func (w *wait) alive(t *target, begun time.Time) (bool, error) {
	if w.watched.PID != 0 {
		return t.Alive(w.watched)
	}
	pid := w.pid
	if w.pidFile != "" {
		content, err := readLeftover(w.pidFile)
		if err == nil {
			pid, err = singleton.ParsePID(content)
		}
		if err != nil { // it is written soon
			return t.Now().Sub(begun) < awaitPIDFile, nil //nolint:nilerr // absent and half-written are the same here
		}
	}
	watched, err := t.Process(pid)
	if errors.Is(err, proc.ErrGone) { // a stale PID file is written anew soon
		return w.pidFile != "" && t.Now().Sub(begun) < awaitPIDFile, nil
	}
	w.watched = watched
	return err == nil, err
}
