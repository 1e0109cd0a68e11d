package service

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// shutdown is the ordered stop. It returns why the service failed, if it did,
// joined with what went wrong on the way out.
func (l *life) shutdown() error {
	cause := context.Cause(l.asked)
	l.log.Info("stopping", "reason", cause.Error())
	total := l.clocks.start(l.forced, l.cfg.StopTimeout)
	defer total.stop()

	l.notify(platform.Notice{Phase: platform.PhaseStopping})
	l.state.updateNow(func(s *State) {
		l.state.enter(platform.PhaseStopping)(s)
		s.Stop = &StopProgress{Reason: cause.Error(), Steps: []StopStep{}}
	})
	l.gate.Close()

	l.step(total, "end of Start", 0, func(ctx context.Context) error {
		if l.starting == nil {
			return nil
		}
		if err := l.starting.wait(ctx); err != nil && l.starting.running() {
			return err
		}
		return nil // whatever it returned is noted already
	})
	// A Reload that does not heed its context leaves Stop half of the time.
	l.step(total, "end of reload", total.left()/2, func(ctx context.Context) error {
		if l.reloads == nil {
			return nil
		}
		return (&pending{done: l.reloads}).wait(ctx)
	})
	if l.wasStarted() {
		l.step(total, "Stop", 0, func(ctx context.Context) error {
			return begin("Stop", func() error { return l.prog.Stop(ctx) }).wait(ctx)
		})
	}
	l.step(total, "goroutines", 0, l.group.wait)
	for c, ok := l.cleanups.pop(); ok; c, ok = l.cleanups.pop() {
		l.step(total, c.name, c.timeout, func(ctx context.Context) error {
			return begin(c.name, func() error { return c.fn(ctx) }).wait(ctx)
		})
	}
	return l.leave(total, cause)
}

// wasStarted tells whether Start brought the program so far that Stop has
// something to do. A Start that still runs is not interfered with.
func (l *life) wasStarted() bool {
	if l.starting == nil || l.starting.running() {
		return false
	}
	select {
	case <-l.ready:
		return true
	default:
		return l.starting.err == nil
	}
}

// step runs one step of the stop within its share of the time that is left. A
// step that fails or overruns does not keep the next from running; only when
// the whole time is used up, or a second stop request has come, are those that
// remain passed over.
func (l *life) step(total *clock, name string, own time.Duration, run func(context.Context) error) {
	if total.ctx.Err() != nil {
		l.noteStep(name, 0, errors.New("passed over: no time left"))
		return
	}
	share := l.clocks.start(total.ctx, l.share(total.left(), own))
	defer share.stop()
	begun := time.Now()
	err := run(share.ctx)
	l.hung = l.hung || errors.Is(err, ErrOverrun)
	if errors.Is(err, ErrOverrun) && total.ctx.Err() == nil {
		err = fmt.Errorf("%w of %v", err, share.length.Round(time.Millisecond))
	}
	l.noteStep(name, time.Since(begun), err)
}

// share is how long a step may take: its own timeout if it has one, and no more
// than leaves the steps behind it what they asked for; but half of the time
// that is left, at least, so that a late step cannot starve an early one; and
// never all of it while there are steps behind it, which must run, too.
func (l *life) share(left, own time.Duration) time.Duration {
	reserved, steps := l.cleanups.reserved()
	most := max(left-reserved, left/2)
	if steps > 0 {
		most = min(most, left-left/4)
	}
	if own > 0 {
		return min(own, most)
	}
	return most
}

func (l *life) noteStep(name string, took time.Duration, err error) {
	s := StopStep{Name: name, Took: took}
	if err != nil {
		s.Error = err.Error()
		l.log.Error("stop: step failed", "step", name, "took", took, "error", err)
		l.fail(fmt.Errorf("stop: %s: %w", name, err))
	} else {
		l.log.Debug("stop: step done", "step", name, "took", took)
	}
	l.state.update(func(st *State) { st.Stop.Steps = append(st.Stop.Steps, s) })
	l.notify(platform.Notice{Step: name})
}

// leave closes the books: the last-run record, the state file, then the PID
// file, then the lock.
func (l *life) leave(total *clock, cause error) error {
	if total.ctx.Err() != nil {
		forced := context.Cause(total.ctx)
		if !errors.Is(forced, ErrForced) {
			forced = fmt.Errorf("%w: the stop %w of %v", ErrForced, ErrOverrun, l.cfg.StopTimeout)
		}
		l.fail(forced)
	}
	hung := l.hung || total.ctx.Err() != nil
	if hung {
		l.dumpStacks()
	}
	err, reason := l.failure(), cause.Error()
	if err != nil && !errors.Is(err, cause) {
		reason += ", then " + strings.ReplaceAll(err.Error(), "\n", ", ")
	}
	exit := platform.Exit{Clean: err == nil, Code: ExitCode(err), Reason: reason}
	err = errors.Join(err, l.record.Close(exit), l.state.remove())
	if hung {
		err = errors.Join(err, l.lock.Abandon())
	} else {
		err = errors.Join(err, l.lock.Release())
	}
	l.log.Info("stopped", "clean", err == nil, "reason", reason)
	return err
}

// dumpStacks writes what every goroutine is doing to the log, one entry each.
func (l *life) dumpStacks() {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	for stack := range strings.SplitSeq(strings.TrimSpace(string(buf)), "\n\n") {
		head, rest, _ := strings.Cut(stack, "\n")
		l.log.Error("still running: "+strings.TrimSuffix(head, ":"), "stack", rest)
	}
}
