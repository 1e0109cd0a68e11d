package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// The work before the program's Start may block in calls that take no context: the
// configuration may be on a mount that hangs, or a disk may not answer.
const (
	// prepareLeast is the minimum time limit of each piece of that work. start_timeout may be
	// shorter, since it is meant for the program.
	prepareLeast = platform.StopMargin
	// abandonAfter limits how long a piece may continue after a stop is requested, and
	// claimAbandonAfter does so for the claim, which has to be undone.
	abandonAfter      = time.Second
	claimAbandonAfter = 5 * time.Second
)

// errNotBegun means that a stop was requested before there was anything to stop.
var errNotBegun = errors.New("asked to stop before the start")

// prepare returns the result of do. It stops waiting after limit (at least prepareLeast), at
// the time patience after a stop is requested, or at once after a second request. Then do
// continues unattended, and its result is undone.
func prepare[T any](s *listener, what string, limit, patience time.Duration, do func() (T, error), undo func(T)) (T, error) {
	var result T
	call := newPending(what)
	go call.run(func() (err error) {
		result, err = do()
		return err
	})
	err := s.await(call, max(limit, prepareLeast), patience)
	if !call.ended() {
		go func() {
			if <-call.done; call.err == nil {
				undo(result)
			}
		}()
		var none T
		return none, fmt.Errorf("%s: %w", what, err)
	}
	return result, call.err
}

func (s *listener) await(call *pending, limit, patience time.Duration) error {
	overrun := time.NewTimer(limit)
	defer overrun.Stop()
	stopping := s.stopping.Done()
	abandon := time.NewTimer(patience)
	abandon.Stop()
	defer abandon.Stop()
	for {
		select {
		case <-call.done:
			return nil
		case <-overrun.C:
			return fmt.Errorf("%w of %v", ErrOverrun, limit)
		case <-s.forced.Done():
			return context.Cause(s.forced)
		case <-stopping:
			stopping = nil
			abandon.Reset(patience)
		case <-abandon.C:
			return errNotBegun
		}
	}
}
