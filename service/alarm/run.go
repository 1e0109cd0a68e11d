package alarm

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"time"
)

// A lane is one way of delivery. It delivers one alarm at a time.
type lane struct {
	name  string
	leads func(Config) bool // whether that configuration uses it
	send  func(context.Context, Config, Event) error

	busy   string // the id of the alarm in delivery; empty: none
	begun  time.Time
	stale  bool      // there was a reload since begun
	rested time.Time // end of the pause after a failure

	sent, failed int
}

// An outcome is the result of a delivery.
type outcome struct {
	lane *lane
	id   string
	err  error
}

// A keeper is the state of the goroutine that owns the queue.
type keeper struct {
	*Desk
	c     Config // in force
	q     *queue
	lanes []*lane

	read  chan *queue // the content of the file
	saved chan error
	ends  chan outcome

	loaded bool
	saving bool
	dirty  bool // the queue has changes that are not in the file
	since  time.Time
	failed bool // the last write failed, and is repeated at retry
	retry  time.Time
}

func (d *Desk) run() {
	k := &keeper{
		Desk: d, q: &queue{}, read: make(chan *queue, 1), saved: make(chan error, 1), ends: make(chan outcome, len(ways())), since: time.Now(),
	}
	k.lanes = d.lanes()
	go k.load()
	k.serve()
	k.close()
}

// lanes returns the ways of delivery that the program has.
func (d *Desk) lanes() []*lane {
	all := []*lane{{
		name:  byCommand,
		leads: func(c Config) bool { return len(c.Command) > 0 },
		send:  func(ctx context.Context, c Config, e Event) error { return d.o.system.command(ctx, c, e, d.o.Log) },
	}}
	if d.o.Poster != nil {
		all = append(all, &lane{
			name:  byWebhook,
			leads: func(c Config) bool { return c.Webhook != "" },
			send:  func(ctx context.Context, c Config, e Event) error { return d.o.Poster.Post(ctx, c, e.message()) },
		})
	}
	return all
}

// follow brings the configuration of a reload into force.
func (k *keeper) follow() {
	k.mu.Lock()
	c, fresh := k.config, k.fresh
	k.fresh = false
	k.mu.Unlock()
	if !fresh {
		return
	}
	k.c = c
	for _, l := range k.lanes {
		l.rested, l.stale = time.Time{}, true // the reload may have repaired a way
	}
	k.q.follow(k.names(), c.Every)
	k.changed(len(k.q.Pending) > 0)
}

// load reads the alarms that an earlier run has left. It may block as long as the disk does.
func (k *keeper) load() {
	q, err := k.o.system.read(k.o.File)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			k.o.Log.Warn("alarms of an earlier run are lost", "error", err)
		}
		q = &queue{}
	}
	k.read <- q
}

func (k *keeper) serve() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		k.follow()
		k.takeRaised()
		k.save()
		next := k.deliver(time.Now())
		k.answer(time.Now())
		k.count()
		timer.Stop()
		if !next.IsZero() {
			timer.Reset(max(time.Until(next), time.Millisecond))
		}
		select {
		case <-k.wake:
		case <-timer.C:
		case q := <-k.read:
			k.take(q)
		case err := <-k.saved:
			k.noteSaved(err)
		case o := <-k.ends:
			k.noteEnd(o)
		case <-k.ctx.Done():
			return
		}
	}
}

// take inserts the content of the file before the alarms that were raised meanwhile.
func (k *keeper) take(q *queue) {
	k.loaded = true
	now := k.q
	k.q = q
	k.q.joined, k.q.lost = now.joined, now.lost
	k.q.follow(k.names(), k.c.Every)
	for _, p := range now.Pending {
		switch {
		case k.q.told(p.Event):
		case p.tried():
			k.q.Pending = append(k.q.Pending, p)
		default:
			k.q.add(p.Event, k.names(), k.c.Every)
		}
	}
	k.q.Sent = append(k.q.Sent, now.Sent...)
	for _, w := range now.Ways {
		k.q.Ways = append(slices.DeleteFunc(k.q.Ways, func(o Way) bool { return o.Name == w.Name }), w)
	}
	k.q.Dropped += now.Dropped
	k.q.bound()
	k.changed(len(now.Pending)+len(now.Sent) > 0)
}

func (k *keeper) names() (all []string) {
	for _, l := range k.lanes {
		if l.leads(k.c) {
			all = append(all, l.name)
		}
	}
	return all
}

func (k *keeper) takeRaised() {
	k.mu.Lock()
	raised, levels, lost := k.raised, k.levels, k.lost
	k.raised, k.lost = nil, 0
	if k.loaded { // levels are compared with those in the file
		k.levels = nil
	}
	k.mu.Unlock()
	for _, e := range raised {
		if !k.q.told(e) {
			k.q.add(e, k.names(), k.c.Every)
		}
	}
	k.q.drop(lost)
	k.changed(len(raised) > 0 || lost > 0)
	if !k.loaded {
		return
	}
	for _, l := range levels {
		was := k.q.Levels[l.event.key()]
		if !k.c.tells(l.event.Kind) {
			l.n = min(l.n, was) // reported once alarms of this kind are delivered
		}
		if k.q.level(l.event.key(), l.n) {
			k.RaiseOnce("", l.event.Kind, l.event.Subject, l.event.Text)
		}
		k.changed(was != l.n)
	}
}

func (k *keeper) changed(is bool) {
	if !is {
		return
	}
	if !k.dirty {
		k.since = time.Now()
	}
	k.dirty = true
}

// save begins to write the file if there are changes and no write is under way.
func (k *keeper) save() {
	if !k.dirty || k.saving || !k.loaded || k.failed && time.Now().Before(k.retry) {
		return
	}
	content, err := k.q.encode()
	if err != nil {
		k.noteSaved(err)
		return
	}
	k.saving, k.dirty = true, false
	go func() { k.saved <- k.o.system.write(k.o.File, content) }()
}

func (k *keeper) noteSaved(err error) {
	k.saving = false
	if err != nil {
		k.changed(true)
		k.retry = time.Now().Add(saveRetry)
		if !k.failed {
			k.o.Log.Warn("undelivered alarms would be lost in a crash", "error", err)
		}
	}
	k.failed = err != nil
}

// kept reports whether the queue is in the file, or has waited for that long enough.
func (k *keeper) kept(now time.Time) bool {
	return !k.dirty && !k.saving || k.failed || now.Sub(k.since) >= diskPatience
}

// deliver begins the deliveries that are due, and returns the time of the next check.
func (k *keeper) deliver(now time.Time) (next time.Time) {
	sooner := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	if k.failed && k.dirty {
		sooner(k.retry)
	}
	for _, l := range k.lanes {
		if l.busy != "" || !l.leads(k.c) {
			continue
		}
		p, at := k.q.next(l.name, now)
		sooner(at)
		switch {
		case p == nil:
		case l.rested.After(now) && p.Kind != Test:
			sooner(l.rested)
		case !k.kept(now):
			sooner(k.since.Add(diskPatience))
		default:
			k.begin(l, p, now)
		}
	}
	return next
}

func (k *keeper) begin(l *lane, p *pending, now time.Time) {
	p.begun = true
	p.Event.Dropped = k.q.Dropped
	l.busy, l.begun, l.stale = p.ID, now, false
	c, e := k.c, p.Event
	k.others.Go(func() {
		ctx, cancel := context.WithTimeoutCause(k.ctx, c.Timeout, errTimeout)
		defer cancel()
		k.ends <- outcome{l, e.ID, l.send(ctx, c, e)}
	})
}

var errTimeout = errors.New("did not end in time")

func (k *keeper) noteEnd(o outcome) {
	l := o.lane
	l.busy = ""
	if o.err != nil && k.ctx.Err() != nil {
		return // cancelled by Close
	}
	now := time.Now()
	if givenUp := k.q.delivered(o.id, l.name, o.err, now); givenUp != nil {
		k.o.Log.Error("an alarm is discarded", "by", l.name, "id", givenUp.ID, "text", givenUp.Text)
	}
	k.changed(true)
	i := slices.IndexFunc(k.q.Ways, func(w Way) bool { return w.Name == l.name })
	failures := k.q.Ways[i].InARow
	if !l.leads(k.c) && len(k.names()) > 0 { // a reload has removed this way meanwhile
		k.q.Ways = slices.Delete(k.q.Ways, i, i+1)
	}
	if o.err == nil {
		l.sent++
		l.rested = time.Time{}
		k.o.Log.Info("alarm delivered", "by", l.name, "id", o.id)
		return
	}
	l.failed++
	pause := backOff
	for range min(failures-1, 10) {
		pause = min(2*pause, backOffMax)
	}
	if l.stale { // the failure was before the reload
		pause = 0
	}
	l.rested = now.Add(pause)
	k.o.Log.Warn("alarm not delivered", "by", l.name, "id", o.id, "error", o.err, "in_a_row", failures, "again_after", pause)
}

// count updates the result of Counts.
func (k *keeper) count() {
	c := Counts{Pending: len(k.q.Pending), Joined: k.q.joined, Dropped: k.q.lost}
	for _, l := range k.lanes {
		if l.leads(k.c) || l.sent+l.failed > 0 {
			c.Ways = append(c.Ways, WayCount{l.name, l.sent, l.failed})
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.counts = c
}

// answer releases the callers of Flush that have nothing left to wait for.
func (k *keeper) answer(now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.flushes = slices.DeleteFunc(k.flushes, func(f flush) bool {
		for _, l := range k.lanes {
			p, _ := k.q.next(l.name, now)
			due := p != nil && l.leads(k.c) && !l.rested.After(now)
			if l.busy != "" && now.Sub(l.begun) < f.patience || l.busy == "" && due {
				return false
			}
		}
		if len(k.raised) > 0 {
			return false
		}
		close(f.done)
		return true
	})
}

// close waits for the deliveries that Close has cancelled, and writes the queue to the file.
func (k *keeper) close() {
	k.retry = time.Time{}
	gone := make(chan struct{})
	go func() { k.others.Wait(); close(gone) }()
	for open := true; open || k.saving || k.dirty; {
		k.takeRaised()
		k.save()
		if !open && !k.saving { // the file cannot be written
			break
		}
		select {
		case <-gone:
			open, gone = false, nil
		case o := <-k.ends:
			k.noteEnd(o)
		case q := <-k.read:
			k.take(q)
		case err := <-k.saved:
			k.noteSaved(err)
		}
	}
	close(k.idle)
}
