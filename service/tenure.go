package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/singleton"
)

// ErrTermLost means that this instance no longer leads its cluster, or will not for long
// enough. It is the cause that ends the contexts of the program, and the failure of a service
// that has on_lost = "exit".
var ErrTermLost = errors.New("the term is lost")

// deadlineEvery limits the time between two looks at the deadline of a term, because timers do
// not notice that the machine sleeps.
const deadlineEvery = time.Second

// keepTerm stops the life when its term is lost or no longer leaves more time than an ordered
// stop may take. It forces the exit before the deadline, whatever the reason of the stop. It
// returns after a first look, so that no program starts in a term that is over already.
func (l *life) keepTerm() {
	k := termKeeper{life: l}
	next, forced := k.look()
	if forced {
		return
	}
	go func() {
		lost := l.led.Lost()
		tick := time.NewTimer(next)
		defer tick.Stop()
		for !forced {
			select {
			case <-lost:
				lost = nil // to look once
			case <-tick.C:
			case <-l.resigned:
				return
			case <-l.over:
				return
			}
			next, forced = k.look()
			tick.Reset(next)
		}
	}()
}

// A termKeeper looks at the term of a life. One goroutine at a time may use it.
type termKeeper struct {
	*life
	told bool // the term is lost
}

// look stops the life if its term is lost, and forces its exit if the deadline is near. It
// returns when to look again, and whether it has forced the exit.
func (k *termKeeper) look() (next time.Duration, forced bool) {
	left, ends := k.termLeft()
	select {
	case <-k.led.Lost():
		k.lose("", "it is not renewed any more")
	default:
	}
	if !ends {
		return deadlineEvery, false
	}
	if left <= k.cfg.StopTimeout+clusterMargin {
		k.lose("it was not renewed in time, and "+untilEnd(left), "")
	}
	if left <= clusterMargin {
		k.force(fmt.Errorf("%w: %s", ErrForced, untilEnd(left)))
		return 0, true
	}
	return min(deadlineEvery, left-clusterMargin), false
}

// lose loses the term, once. It tells what is known here, and what the engine says, or
// otherwise if the engine says nothing.
func (k *termKeeper) lose(known, otherwise string) {
	if k.told {
		return
	}
	k.told = true
	close(k.unled)
	said := otherwise
	if c, ok := k.led.(singleton.Causer); ok {
		if err := c.Cause(); err != nil {
			said = oneLine(err)
		}
	}
	if known != "" && said != "" {
		known += ": "
	}
	k.loseTerm(known + said)
}

// untilEnd describes the time until the deadline.
func untilEnd(left time.Duration) string {
	if left < 0 {
		return fmt.Sprintf("the term ended %v ago", -left.Round(time.Millisecond))
	}
	return fmt.Sprintf("the term ends in %v", left.Round(time.Millisecond))
}

// termLeft returns the time until the deadline of the term, and whether there is one.
func (l *life) termLeft() (left time.Duration, ends bool) {
	if l.led == nil {
		return 0, false
	}
	end := l.led.Deadline()
	return time.Until(end), !end.IsZero()
}

// loseTerm requests the stop of a leader whose term is lost. Afterwards the process campaigns
// again, if it can: see continues. A stop that is under way already remains what it is.
func (l *life) loseTerm(why string) {
	err := fmt.Errorf("%w: %s", ErrTermLost, why)
	l.log.Warn("this instance leads no longer", "term", l.led.Token(), "why", why)
	if l.stopping.Err() != nil || l.canCampaignAgain() {
		l.requestStop(err)
		return
	}
	l.fail(err)
}

// canCampaignAgain reports whether a new life in this process can follow. It cannot have the
// sockets and files that the manager keeps or has handed over, so the process must end then.
func (l *life) canCampaignAgain() bool {
	_, keeps := l.host.(platform.Keeper)
	return l.clusterSettings().OnLost == LostCampaign && l.private == "" &&
		len(l.handed()) == 0 && l.kept.Load().Empty() && l.ofCommand.Load().Empty() && (!keeps || len(l.sites) == 0)
}

// continues reports whether another life follows in this process after the stop for cause: the
// term was lost, and nothing has failed.
func (l *life) continues(cause error) bool {
	return errors.Is(cause, ErrTermLost) && l.failure() == nil
}

// stopLimit returns the time limit of the ordered stop. It is shorter if the term ends.
func (l *life) stopLimit() time.Duration {
	if left, ends := l.termLeft(); ends {
		return min(l.cfg.StopTimeout, max(left-clusterMargin, 0))
	}
	return l.cfg.StopTimeout
}

// recordsLimit returns how long the end of the records may take, of d.
func (l *life) recordsLimit(d time.Duration) time.Duration {
	select {
	case <-l.resigned:
		return d
	default:
	}
	if left, ends := l.termLeft(); ends {
		return min(d, max(left/4, recordsAtDeadline))
	}
	return d
}

// recordsAtDeadline is the time for the records if the deadline of the term has passed.
const recordsAtDeadline = 250 * time.Millisecond

// OnStopAsLeader is OnStop for a step that only the leader of a [Config.Cluster] may take. The
// step is left out if the term is lost, and its context ends when it is lost, with the cause
// [ErrTermLost]. Without a cluster it is OnStop.
func (rt *Runtime) OnStopAsLeader(name string, timeout time.Duration, fn func(ctx context.Context) error) {
	rt.OnStop(name, timeout, func(ctx context.Context) error {
		if rt.l.led == nil {
			return fn(ctx)
		}
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		if rt.l.lostLead() {
			rt.l.log.Warn("stop: left out, since the term is lost", "step", name)
			return nil
		}
		done := make(chan struct{})
		defer close(done)
		go func() {
			select {
			case <-rt.l.led.Lost():
				cancel(ErrTermLost)
			case <-rt.l.unled:
				cancel(ErrTermLost)
			case <-done:
			}
		}()
		return fn(ctx)
	})
}

// lostLead reports whether the term is lost: the engine says so, or it was not renewed in time.
func (l *life) lostLead() bool {
	select {
	case <-l.led.Lost():
		return true
	case <-l.unled:
		return true
	default:
		return false
	}
}

// A noTerm is that of a service that has none: it is lost.
type noTerm struct{}

func (noTerm) Token() uint64 { return 0 }
func (noTerm) Lost() <-chan struct{} {
	lost := make(chan struct{})
	close(lost)
	return lost
}
func (noTerm) Deadline() time.Time            { return time.Unix(0, 0) }
func (noTerm) Resign(_ context.Context) error { return nil }

// A ledTerm is a term of a cluster in the hands of the program, which cannot end it before
// its ordered stop.
type ledTerm struct {
	singleton.Term
	l *life
}

// Unwrap returns the term that the engine gave, so that its package finds its own.
func (t ledTerm) Unwrap() singleton.Term { return t.Term }

// Resign requests the ordered stop, after which the life resigns.
func (t ledTerm) Resign(context.Context) error {
	t.l.loseTerm("the program resigns")
	return nil
}
