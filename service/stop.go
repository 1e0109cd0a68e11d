package service

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

// shutdown runs the ordered stop. The error says why the service failed, if it did, joined
// with the failures during the stop.
func (l *life) shutdown() error {
	cause := context.Cause(l.stopping)
	l.tell(l.failure())
	l.log.Info("stopping", "reason", inShort(cause))
	total := l.clocks.start(l.forced, l.stopLimit())
	defer total.stop()

	l.enter(platform.PhaseStopping, func(s *State) {
		s.Stop = &StopProgress{Reason: cause.Error(), Steps: []StopStep{}}
	})
	l.gate.Close()

	// A Start that ignores its context leaves a quarter of the time to the later
	// steps. A Reload leaves half of what is left then.
	l.step(total, "end of Start", l.share(total.left(), total.left()-total.left()/4), func(ctx context.Context) error {
		if l.starting == nil {
			return nil
		}
		if err := l.starting.wait(ctx); err != nil && !l.starting.ended() {
			return err
		}
		l.startEnded()
		return nil
	})
	l.step(total, "end of reload", l.share(total.left(), total.left()/2), func(ctx context.Context) error {
		if l.reloads == nil {
			return nil
		}
		return (&pending{done: l.reloads}).wait(ctx)
	})
	if l.wasStarted() {
		l.foretell(cause)
		l.step(total, "Stop", l.stopShare(total.left()), func(ctx context.Context) error {
			return begin("Stop", func() error { return l.prog.Stop(l.with(ctx)) }).wait(ctx)
		})
	}
	l.sockets().Close()
	l.group.cancel() // even if there is no time left to wait for them
	l.step(total, "goroutines", l.share(total.left(), 0), l.group.wait)
	for c, ok := l.cleanups.pop(); ok; c, ok = l.cleanups.pop() {
		l.step(total, c.name, l.share(total.left(), c.timeout), func(ctx context.Context) error {
			return begin(c.name, func() error { return c.fn(l.with(ctx)) }).wait(ctx)
		})
	}
	l.resign(total)
	return l.leave(total, cause)
}

// wasStarted reports whether Start has succeeded, so that Stop has to run. A Start that is
// still running is left alone.
func (l *life) wasStarted() bool {
	return l.starting != nil && l.starting.ended() && l.starting.err == nil
}

// step runs one step of the stop within limit, its share of the remaining time. A step that
// fails or overruns does not prevent the next one. Steps are skipped only if the whole time is
// used up or a second stop request has arrived.
func (l *life) step(total *clock, name string, limit time.Duration, run func(context.Context) error) {
	if total.ctx.Err() != nil {
		l.noteStep(name, 0, errors.New("skipped: no time left"))
		return
	}
	share := l.clocks.start(total.ctx, limit)
	defer share.stop()
	begun := time.Now()
	l.state.update(func(st *State) { st.Stop.Now = name })
	err := run(share.ctx)
	l.hung = l.hung || errors.Is(err, ErrOverrun)
	if errors.Is(err, ErrOverrun) && total.ctx.Err() == nil {
		err = fmt.Errorf("%w of %v", err, share.length.Round(time.Millisecond))
	}
	l.noteStep(name, time.Since(begun), err)
}

// leaveShare is the time that is always kept for the records.
const leaveShare = time.Second

func withoutRecords(left time.Duration) time.Duration { return left - min(left/8, leaveShare) }

// stopShare returns how long the program's Stop may take: the configured time, which was
// chosen with the later steps in mind, or its share.
func (l *life) stopShare(left time.Duration) time.Duration {
	if d := l.cfg.ProgramStopTimeout; d > 0 {
		return min(d, withoutRecords(left))
	}
	return l.share(left, 0)
}

// share returns how long a step may take: at most its own limit, if it has one, and the
// remaining time that later steps have not reserved. The step gets at least half of the
// remaining time, so that a late step cannot starve an early one. While goroutines or steps
// remain, it gets at most three quarters. The last step may use all of it, because the time
// for the records is deducted first.
func (l *life) share(left, limit time.Duration) time.Duration {
	left = withoutRecords(left)
	reserved, steps := l.cleanups.reserved()
	most := max(left-reserved, left/2)
	if steps > 0 || l.group.toBeAwaited() {
		most = min(most, left-left/4)
	}
	if limit > 0 {
		return min(limit, most)
	}
	return most
}

func (l *life) noteStep(name string, took time.Duration, err error) {
	s := StopStep{Name: name, Took: took}
	if err != nil {
		s.Error = err.Error()
		l.log.Error("stop: step failed", "step", name, "took", took, "error", err)
		l.fail(fmt.Errorf("stop: %s: %w", name, err))
		l.alarmOverrun(err, "stop: step "+name+": "+oneLine(err))
	} else {
		l.log.Debug("stop: step done", "step", name, "took", took)
	}
	l.state.update(func(st *State) { st.Stop.Steps, st.Stop.Now = append(st.Stop.Steps, s), "" })
	l.notify(platform.Notice{Step: name})
}

// leave ends the life: it closes the last-run record, removes the state file and the PID file,
// and releases the lock, in this order.
func (l *life) leave(total *clock, cause error) error {
	if total.ctx.Err() != nil {
		forced := context.Cause(total.ctx)
		if !errors.Is(forced, ErrForced) {
			forced = fmt.Errorf("%w: the stop %w of %v", ErrForced, ErrOverrun, total.length.Round(time.Millisecond))
		}
		l.fail(forced)
	}
	hung := l.hung || total.ctx.Err() != nil
	if hung {
		l.dumpStacks()
	}
	err, reason := l.failure(), oneLine(cause)
	if err != nil && !errors.Is(err, cause) {
		reason += ", then " + oneLine(err)
	}
	l.leaveAlarms(total, err, reason)
	l.record.Stopped(l.state.now().Stop.Steps)
	if !l.last.Clean() && !l.recovered.Load() {
		l.record.Owes()
	}
	l.goesOn = err == nil && l.continues(cause)
	exit := platform.Exit{Clean: err == nil, Code: ExitCode(err), Reason: reason}
	err = errors.Join(err, l.closeRecords(l.recordsLimit(max(total.left(), recordsLeast)), exit, total.ctx.Err() != nil, hung))
	l.tell(err)
	l.log.Info("stopped", "clean", err == nil, "reason", inShort(cause))
	return err
}

// tell logs why the service fails. It logs the same failure once: when the stop begins, and
// again only if more failures have been added.
func (l *life) tell(err error) {
	if err == nil || l.told == err.Error() {
		return
	}
	l.told = err.Error()
	l.log.Error("failed", "exit_code", ExitCode(err), "error", oneLine(err))
}

// inShort returns why a stop began. A failure has a log line of its own.
func inShort(cause error) string {
	if _, asked := errors.AsType[*stopRequest](cause); asked || errors.Is(cause, ErrTermLost) {
		return cause.Error()
	}
	return "a failure"
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// recordsLeast is the minimum time for the records.
const recordsLeast = 3 * time.Second

// closeRecords closes the last-run record, then removes the state file and the PID file and
// releases the lock. A disk that hangs does not prevent the end of the process.
func (l *life) closeRecords(limit time.Duration, exit platform.Exit, forced, hung bool) error {
	until := l.forced
	if until.Err() != nil {
		until = context.Background()
	}
	ctx, cancel := context.WithTimeoutCause(until, limit, ErrOverrun)
	defer cancel()
	call := begin("end of the records", func() error {
		err := errors.Join(l.machine.closeRecord(l.record, exit, forced), l.state.remove())
		if e := recovery.ForgetCrash(l.dirs.CrashFile(l.id)); e != nil {
			l.log.Warn("it leaves a file", "error", e)
		}
		if hung {
			return errors.Join(err, l.lock.Abandon())
		}
		if l.goesOn && err == nil {
			return nil
		}
		return errors.Join(err, l.lock.Release(), l.vanish())
	})
	err := call.wait(ctx)
	if err != nil && !call.ended() {
		err = fmt.Errorf("%w: %s: %w", ErrForced, call.name, err)
	}
	return err
}
