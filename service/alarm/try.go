package alarm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
)

const testText = "this is a test of the alarms: nothing is wrong"

func testID(at time.Time) string { return fmt.Sprintf("%s.%d.%d", Test, os.Getpid(), at.UnixNano()) }

// ErrUnanswered means that the running service has not reported the result of a test.
var ErrUnanswered = errors.New("the running service does not answer")

// askEvery is the time between two reads of the queue for an answer.
const askEvery = 100 * time.Millisecond

// Ask makes the running service whose queue is at file send a test, as its user and with its
// rights, and returns the results. It blocks until they are known or ctx ends. In the latter
// case the error wraps [ErrUnanswered].
func Ask(ctx context.Context, file string) ([]Result, error) {
	now := time.Now()
	id := testID(now)
	if err := Leave(file, Note{ID: id, Kind: Test, Text: testText, Count: 1, First: now, Last: now}); err != nil {
		return nil, err
	}
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		r, err := Read(file)
		if err == nil && r != nil && r.Tested != nil && r.Tested.ID == id && r.Tested.Complete {
			return r.Tested.Results, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			_ = files.Remove(noteFile(file, Test)) // no test must be sent later
			return nil, errors.Join(fmt.Errorf("%w: %w", ErrUnanswered, context.Cause(ctx)), err)
		}
	}
}

// Try sends a test from this process by all ways in o.Config, and returns the results. It
// blocks at most [Config.Timeout] for each.
func Try(ctx context.Context, o Options) []Result {
	d := &Desk{o: o}
	c := o.Config.WithDefaults()
	if d.o.system.command == nil {
		d.o.system = theSystem()
	}
	e := d.event(Test, "", testText)
	e.ID = testID(e.Last)
	var results []Result
	for _, l := range d.lanes() {
		if !l.leads(c) {
			continue
		}
		ctx, cancel := context.WithTimeoutCause(ctx, c.Timeout, errTimeout)
		r := Result{Way: l.name}
		if err := l.send(ctx, c, e); err != nil {
			r.Error = plain(err.Error(), maxText)
		}
		cancel()
		results = append(results, r)
	}
	return results
}
