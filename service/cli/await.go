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

// errEnded means that no process is left that could become ready.
var errEnded = errors.New("it ended before it was ready")

// awaitEvery is the time between two checks for readiness. awaitPIDFile limits the wait for
// the supervisor's PID file.
const (
	awaitEvery   = 20 * time.Millisecond
	awaitPIDFile = 5 * time.Second
)

// A wait is the wait until a service that a script has just started is ready.
type wait struct {
	starter string
	pid     int
	pidFile string
	limit   time.Duration // the longest time without progress: start_timeout

	watched proc.Identity // while this process lives, the service may become ready; zero: not known yet
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
		// Ask this before looking for readiness: a process cannot become ready after its end.
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
			// This is progress. A process that a supervisor starts in place of the first one
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

// state returns the state of the holder, if the holder was started by the starter that we wait
// for.
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
		if err != nil { // it will soon be written
			return t.Now().Sub(begun) < awaitPIDFile, nil //nolint:nilerr // absent and half-written are the same here
		}
	}
	watched, err := t.Process(pid)
	if errors.Is(err, proc.ErrGone) { // a stale PID file is soon replaced
		return w.pidFile != "" && t.Now().Sub(begun) < awaitPIDFile, nil
	}
	w.watched = watched
	return err == nil, err
}
