package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/holdfast-dev/holdfast/examples/shipper/ship"
	"github.com/holdfast-dev/holdfast/service"
)

const (
	// pollEvery is the time between two checks of the files when there is nothing to do.
	// Polling works alike on every system and file system.
	pollEvery = 200 * time.Millisecond
	// retryAfter is the pause after a turn that failed, for example on a full disk.
	retryAfter = time.Second
	// statusEvery is the minimum time between two changes of the status.
	statusEvery = time.Second
	// stuckAfter is the time after which a turn counts as stuck.
	stuckAfter = 10 * time.Second
)

// A loop owns the Shipper. Only run uses it; other goroutines send to run.
type loop struct {
	shipper *ship.Shipper
	log     *slog.Logger
	status  func(string)

	choices chan choice
	stop    chan context.Context
	ended   chan struct{}
	err     error // of the last turns; valid after ended is closed

	begun  time.Time
	turned atomic.Int64 // end of the last turn, since begun

	failure string // of the last turn; empty if it did not fail
	shown   string // status
	shownAt time.Time
}

// A choice is a new selection, and a channel for its outcome.
type choice struct {
	ship.Selection
	outcome chan error
}

func newLoop(s *ship.Shipper, rt *service.Runtime) *loop {
	return &loop{
		shipper: s, log: rt.Slog(), status: rt.Status,
		choices: make(chan choice), stop: make(chan context.Context), ended: make(chan struct{}),
		begun: time.Now(),
	}
}

// run ships until end is called. The end of ctx matters only if nobody has waited for that.
func (l *loop) run(ctx context.Context) error {
	defer close(l.ended)
	defer func() { _ = l.shipper.Close() }() // everything has been synced
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-next.C:
			next.Reset(l.turn())
		case c := <-l.choices:
			c.outcome <- l.shipper.Select(c.Selection)
		case limit := <-l.stop:
			l.err = l.shipper.ShipRest(limit)
			l.show(true)
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// turn does one turn, and returns the pause before the next one.
func (l *loop) turn() (wait time.Duration) {
	more, err := l.shipper.Turn()
	l.turned.Store(int64(time.Since(l.begun)))
	l.judge(err)
	l.show(false)
	switch {
	case err != nil:
		return retryAfter
	case more:
		return 0
	}
	return pollEvery
}

// judge logs the beginning and the end of a failure. Nothing is lost by it, because the next
// turn begins where the last successful one ended. So there is no reason to give up.
func (l *loop) judge(err error) {
	failure := ""
	if err != nil {
		failure = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	switch {
	case failure == l.failure:
	case err != nil:
		l.log.Error("not shipping: trying again", "every", retryAfter, "error", err)
	default:
		l.log.Info("shipping again")
	}
	l.failure = failure
}

// show sets the status if it has changed, but not too often.
func (l *loop) show(now bool) {
	stats := l.shipper.Stats()
	text := fmt.Sprintf("%s, %s shipped", count(uint64(stats.Files), "file"), count(stats.Lines, "line"))
	if l.failure != "" {
		text = "not shipping: " + l.failure
	}
	if text != l.shown && (now || time.Since(l.shownAt) >= statusEvery) {
		l.status(text)
		l.shown, l.shownAt = text, time.Now()
	}
}

func count(n uint64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// healthy reports whether there was a turn recently, successful or not: a restart would not
// free space on a full disk.
func (l *loop) healthy(context.Context) error {
	if idle := time.Since(l.begun) - time.Duration(l.turned.Load()); idle > stuckAfter {
		return fmt.Errorf("the last turn ended %v ago", idle.Round(time.Second))
	}
	return nil
}

var errEnded = errors.New("shipping has ended")

// choose sets the selection between two turns. If ctx ends before that, the selection does not
// change.
func (l *loop) choose(ctx context.Context, sel ship.Selection) error {
	c := choice{sel, make(chan error, 1)}
	select {
	case l.choices <- c:
		select {
		case err := <-c.outcome:
			return err
		case <-l.ended: // by a panic
			return errEnded
		}
	case <-l.ended:
		return errEnded
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// end makes the loop ship what is left, for no longer than limit, and waits for its end.
func (l *loop) end(ctx context.Context, limit time.Duration) error {
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	select {
	case l.stop <- bounded:
	case <-l.ended:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case <-l.ended:
		return l.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
