package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// What comes before the program's Start may block in a place that knows no
// contexts: a configuration on a mount that hangs, a disk that does not answer.
const (
	// prepareLeast is the time that each piece of it has, whatever start_timeout
	// says: it is meant for the program.
	prepareLeast = platform.StopMargin
	// abandonAfter is how long a piece may go on after a stop was asked for, and
	// claimAbandonAfter where it must be taken back.
	abandonAfter      = time.Second
	claimAbandonAfter = 5 * time.Second
)

// errNotBegun means that a stop was asked for before there was anything to stop.
var errNotBegun = errors.New("asked to stop before the start")

// prepare returns what do returns. It does not wait for it longer than
// start_timeout, longer than patience after a stop was asked for, or at all after
// a second request; do then goes on unattended, and what it comes to is undone.
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
