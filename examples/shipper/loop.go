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
	// pollEvery is how often the files are looked at when there is nothing to
	// do. Polling is the same on every system and file system.
	pollEvery = 200 * time.Millisecond
	// retryAfter is the pause after a turn that failed, on a full disk for one.
	retryAfter = time.Second
	// statusEvery is how often the status changes at most.
	statusEvery = time.Second
	// stuckAfter is how long a turn may take before it counts as stuck.
	stuckAfter = 10 * time.Second
)

// loop owns the Shipper: run is its only user, others send.
type loop struct {
	shipper *ship.Shipper
	log     *slog.Logger
	status  func(string)

	choices chan choice
	stop    chan context.Context
	ended   chan struct{}
	err     error // of the last turns, after ended

	begun  time.Time
	turned atomic.Int64 // when the last turn ended, since begun

	failure string // of the last turn; empty if it did not fail
	shown   string // status
	shownAt time.Time
}

// choice is a new selection, and where to say what came of it.
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

// run ships until end is called. The end of ctx is for the case that nobody
// waited for that.
func (l *loop) run(ctx context.Context) error {
	defer close(l.ended)
	defer func() { _ = l.shipper.Close() }() // all was synced
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

// turn does one turn and tells how long to wait for the next.
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

// judge logs a failure once, and its end. Nothing is lost by it: the next turn
// begins where the last good one ended, so there is no reason to give up.
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

// healthy reports whether the loop has turned recently, successfully or not: a
// restart would not make room on a full disk.
func (l *loop) healthy(context.Context) error {
	if idle := time.Since(l.begun) - time.Duration(l.turned.Load()); idle > stuckAfter {
		return fmt.Errorf("the last turn ended %v ago", idle.Round(time.Second))
	}
	return nil
}

var errEnded = errors.New("shipping has ended")

// choose makes sel the selection between two turns. If ctx ends before that, sel
// will never be it.
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

// end has the loop ship what there is, for no longer than limit, and waits for
// its end.
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
