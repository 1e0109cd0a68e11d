package service

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-dev/holdfast/service/alarm"
	"github.com/holdfast-dev/holdfast/singleton"
)

// How often we check our PID and lock file: a check is a few system calls.
// Whoever has damaged a file may do it again, so for a while after that we check
// more often.
//
// Why not inotify(7): it makes the end of every process that uses it some 10 ms
// longer, because the kernel waits for its readers before it lets an instance
// go (fsnotify_wait_marks_destroyed in fs/notify/mark.c).
const (
	guardEvery = time.Second
	guardAfter = 10 * time.Millisecond // then twice as long, up to guardEvery
)

// guardBurst is how often in a row damage that was repaired is told without a pause.
const guardBurst = 99

// maxTampers is how much may wait for an OnTamper that is busy. The log has all.
const maxTampers = 8

// guard watches over our PID and lock file until ctx ends: what somebody else
// removes or alters is restored, logged and reported to Config.OnTamper, see
// [recurrence]. The state file is restored in silence.
func (l *life) guard(ctx context.Context) {
	wait := guardEvery
	next := time.NewTimer(wait)
	defer next.Stop()
	tell := inOrder(ctx, maxTampers, func(err error) {
		_ = protect("OnTamper", func() error { l.cfg.OnTamper(err); return nil })
	})
	t := tampering{repaired: recurrence{burst: guardBurst}}
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		wait = min(2*wait, guardEvery)
		found := l.lock.Check()
		l.state.restore()
		if t.broken(found) < len(found) { // what cannot be put right is no reason to hurry
			wait = guardAfter
		}
		for _, err := range t.toTell(found, time.Now()) {
			l.log.Error("somebody tampered with our files", "error", err)
			l.alarms.Raise(alarm.Tampered, "", err.Error())
			if l.cfg.OnTamper != nil {
				tell(err)
			}
		}
		if times := t.whole(found); times > 0 {
			l.log.Warn("our files are whole again", "checks", times)
		}
		next.Reset(wait)
	}
}

// inOrder returns a function that hands its argument to handle, which another
// goroutine calls, once at a time and not after the end of ctx. It never blocks:
// what comes while most wait is dropped.
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

// tampering decides what is told of the damage that one check after the other
// finds. What is repaired is a new event each time; what cannot be is found by
// every check, and told when it begins, grows, lasts or is over.
type tampering struct {
	repaired, lasting recurrence
	known             int // of the files that cannot be repaired, those told of
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

// whole returns how often damage was found that could not be repaired, once it
// is over.
func (t *tampering) whole(found []error) int {
	if t.broken(found) > 0 {
		return 0
	}
	t.known = 0
	return t.lasting.clear()
}
