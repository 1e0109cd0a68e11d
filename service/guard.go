package service

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-dev/holdfast/service/alarm"
	"github.com/holdfast-dev/holdfast/singleton"
)

// The intervals between two checks of the PID file and the lock file. A check takes a few
// system calls. If the system reports changes in the directories, guard checks after each
// change, and seldom otherwise, for changes that no system reports. If it does not, guard checks
// every second. Whoever damaged a file may do so again, so the checks are more frequent for a
// while after damage.
const (
	guardEvery  = time.Second
	guardAfter  = 10 * time.Millisecond // doubles up to guardEvery
	guardSeldom = 5 * time.Minute
)

// guardBurst is the number of repairs in a row that are reported without a pause.
const guardBurst = 99

// maxTampers limits the calls that wait for a busy OnTamper. The log has all of them.
const maxTampers = 8

// guard checks the PID file and the lock file until ctx ends. If somebody removed or altered
// one, guard restores it, logs that and calls Config.OnTamper: see [recurrence]. A removed
// state file is restored silently.
func (l *life) guard(ctx context.Context) {
	changes := l.machine.watch(l.dirs.Runtime, l.dirs.State)
	defer changes.Close()
	next := time.NewTimer(guardEvery) // a shorter life needs no watch
	defer next.Stop()
	tell := inOrder(ctx, maxTampers, func(err error) {
		_ = protect("OnTamper", func() error { l.cfg.OnTamper(err); return nil })
	})
	t := tampering{repaired: recurrence{burst: guardBurst}}
	wait, checked := guardEvery, time.Now()
	var told <-chan struct{} // nil while the timer is set for the next change already
	for {
		select {
		case <-ctx.Done():
			return
		case <-told: // wait for the rest of what is going on, which may be a storm
			told = nil
			next.Reset(max(guardAfter, wait-time.Since(checked)))
			continue
		case <-next.C:
		}
		wait, checked = min(2*wait, guardEvery), time.Now()
		blind := changes.Arm() != nil // before the check, so that no change is missed
		found := l.lock.Check()
		l.state.restore()
		if t.broken(found) < len(found) { // only repaired damage makes the checks more frequent
			wait = guardAfter
		}
		for _, err := range t.toTell(found, time.Now()) {
			l.log.Error("another process tampered with the service's files", "error", err)
			l.alarms.Raise(alarm.Tampered, "", err.Error())
			if l.cfg.OnTamper != nil {
				tell(err)
			}
		}
		if times := t.whole(found); times > 0 {
			l.log.Warn("the service's files are in order again", "checks", times)
		}
		told = changes.Told()
		if blind || len(found) > 0 {
			next.Reset(wait)
		} else {
			next.Reset(guardSeldom)
		}
	}
}

// inOrder returns a function that passes its argument to handle without ever blocking. One
// goroutine calls handle, in order, and not after ctx has ended. Values that arrive while most
// values are waiting are dropped.
func inOrder[T any](ctx context.Context, most int, handle func(T)) func(T) {
	waiting := make(chan T, most)
	go func() {
		for {
			select {
			case v := <-waiting:
				if ctx.Err() == nil {
					handle(v)
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return func(v T) {
		select {
		case waiting <- v:
		default:
		}
	}
}

// tampering decides which damage is reported. Damage that was repaired is a new event each
// time. Damage that cannot be repaired is found by every check, and reported when it begins,
// grows, persists or is over.
type tampering struct {
	repaired, lasting recurrence
	known             int // reported files that cannot be repaired
}

func (*tampering) broken(found []error) (n int) {
	for _, err := range found {
		if errors.Is(err, singleton.ErrBroken) {
			n++
		}
	}
	return n
}

func (t *tampering) toTell(found []error, now time.Time) (tell []error) {
	broken := t.broken(found)
	tellBroken := broken > 0 && t.lasting.raise(now)
	tellBroken = tellBroken || broken > t.known
	if tellBroken {
		t.known = broken
	}
	tellRepaired := broken < len(found) && t.repaired.raise(now)
	if len(found) == 0 && t.repaired.quiet(now) {
		t.repaired.clear()
	}
	for _, err := range found {
		if errors.Is(err, singleton.ErrBroken) && tellBroken || !errors.Is(err, singleton.ErrBroken) && tellRepaired {
			tell = append(tell, err)
		}
	}
	return tell
}

// whole returns how often damage was found that could not be repaired, once it is over.
func (t *tampering) whole(found []error) int {
	if t.broken(found) > 0 {
		return 0
	}
	t.known = 0
	return t.lasting.clear()
}
