package alarm

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
)

const (
	// diskPatience is how long an alarm waits for the queue file before it is delivered
	// without being in there.
	diskPatience = 2 * time.Second
	// saveRetry is the time until a file that could not be written is tried again.
	saveRetry = 10 * time.Second
	// The pauses of a way that fails.
	backOff    = 10 * time.Second
	backOffMax = 15 * time.Minute
	// maxRaised is how many different ones may wait for the desk itself.
	maxRaised = MaxPending
)

// Options are what a [Desk] is opened with.
type Options struct {
	Config Config
	Poster Poster // nil: there are no web hooks
	File   string // of the queue, see [File]

	Service string // what the alarms are of
	Host    string
	Version string
	Term    uint64
	Log     *slog.Logger

	// Dirs are looked at for space, every Config.DiskEvery.
	Dirs []string
	// Look is called as often: what else gets worse by degrees, see [Desk.Level]. nil: nothing.
	Look func(*Desk)

	system system
}

// system is what of the machine a desk uses. Tests have another.
type system struct {
	command func(context.Context, Config, Event, *slog.Logger) error
	read    func(path string) (*queue, error)
	write   func(path string, content []byte) error
	space   func(dir string) (files.Space, error)
	take    func(path string) (*Note, error)
	every   time.Duration // between two looks for notes
}

func theSystem() system {
	return system{
		command: runCommand, read: readQueue, space: files.SpaceOf, take: takeNote, every: noteEvery,
		write: func(path string, content []byte) error { return files.Replace(path, content, 0o644, true) },
	}
}

// Desk takes alarms and sees to it that they arrive. All methods may be called by any
// goroutine, and on a nil Desk, which tells nobody. None waits for anything but Flush and Close.
type Desk struct {
	o      Options
	wake   chan struct{}
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	idle   chan struct{}  // closed when nothing goes on any more
	others sync.WaitGroup // deliveries

	mu      sync.Mutex
	config  Config  // with defaults: of Options, or a later [Desk.Reload]
	fresh   bool    // the goroutine of run has not seen config yet
	begun   bool    // there are goroutines
	raised  []Event // joined as far as possible, for the goroutine of run
	lost    int     // raised, and there was no room
	levels  []level
	number  int // of alarms that this run has given an id
	joined  int // in raised
	counts  Counts
	flushes []flush
}

// level is a [Desk.Level] that the goroutine of run has not seen yet.
type level struct {
	event Event
	n     int
}

// Open begins to take alarms, and to deliver those that an earlier run has left. It
// returns at once. A Desk that is to tell nobody does nothing until a reload says otherwise.
func Open(o Options) *Desk {
	if o.system.command == nil {
		o.system = theSystem()
	}
	d := &Desk{o: o, wake: make(chan struct{}, 1), idle: make(chan struct{})}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	d.Reload(o.Config)
	return d
}

// Reload has all go on by c: also what waits, which goes the ways that there are now, and
// without the pauses of those that failed. A delivery that is under way is not disturbed.
// Where c tells nobody, what waits is kept for whoever is told later. The same c again changes nothing.
func (d *Desk) Reload(c Config) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if c = c.WithDefaults(); reflect.DeepEqual(c, d.config) {
		return
	}
	d.config, d.fresh = c, true
	if !d.begun && c.Enabled() && d.ctx.Err() == nil {
		d.begun = true
		go d.scout()
		go d.run()
	}
	d.nudge()
}

func (d *Desk) inForce() Config {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.config
}

// Raise has somebody told of a thing of that kind. What kinds the configuration leaves
// out is dropped.
func (d *Desk) Raise(kind Kind, subject, text string) { d.RaiseOnce("", kind, subject, text) }

// RaiseOnce is Raise of what has an id of its own, by which a later run, too, knows that
// it was told already.
func (d *Desk) RaiseOnce(id string, kind Kind, subject, text string) {
	d.RaiseUnless("", id, kind, subject, text)
}

// RaiseUnless is RaiseOnce of what nobody has to be told who was, or is about to be, told
// of the alarm that has the id other.
func (d *Desk) RaiseUnless(other, id string, kind Kind, subject, text string) {
	if d == nil || !d.inForce().tells(kind) {
		return
	}
	e := d.event(kind, subject, text)
	e.ID, e.unless = id, other
	d.put(e)
}

// Counts is what has become of alarms in this run, but for Pending, which may be of earlier
// ones.
type Counts struct {
	Pending int // that somebody does not have yet
	Joined  int // with one that was told, or will be, for several
	Dropped int // lost: too many, or tried too often
	Ways    []WayCount
}

// WayCount is of deliveries by one way.
type WayCount struct {
	Name         string // "command" or "webhook"
	Sent, Failed int
}

// Counts may be asked at any time; of a nil Desk all is zero.
func (d *Desk) Counts() Counts {
	if d == nil {
		return Counts{}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.counts
	c.Joined += d.joined
	return c
}

// put is for what has been found to be told. What has no id is joined, or gets one.
func (d *Desk) put(e Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e.ID == "" {
		for i := range d.raised {
			if d.raised[i].key() == e.key() {
				d.raised[i].join(e)
				d.joined += e.Count
				return
			}
		}
		d.number++
		e.ID = fmt.Sprintf("%s.%d.%d", e.Kind, d.o.Term, d.number)
	}
	if len(d.raised) >= maxRaised {
		d.lost++
	} else {
		d.raised = append(d.raised, e)
	}
	d.nudge()
}

func (d *Desk) event(kind Kind, subject, text string) Event {
	now := time.Now()
	return Event{
		Kind: kind, Subject: plain(subject, maxSubject), Text: plain(text, maxText), Count: 1, First: now, Last: now,
		Service: d.o.Service, Host: d.o.Host, Version: d.o.Version, Term: d.o.Term,
	}
}

// Level says how bad a thing is that gets worse by degrees, 0 for well. It raises an alarm
// when that is worse than before, in an earlier run, too.
func (d *Desk) Level(kind Kind, subject string, n int, text string) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	l := level{d.event(kind, subject, text), n}
	if i := slices.IndexFunc(d.levels, func(o level) bool { return o.event.key() == l.event.key() }); i >= 0 {
		d.levels[i] = l
	} else if len(d.levels) < maxLevels {
		d.levels = append(d.levels, l)
	}
	d.nudge()
}

func (d *Desk) nudge() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// flush is somebody who waits until there is nothing to wait for.
type flush struct {
	patience time.Duration
	done     chan struct{}
}

// Flush waits until what is due has been delivered, or has failed, but for a delivery no
// longer than patience since that began, and no longer than ctx: where one hangs, or
// there is none, it does not wait at all.
func (d *Desk) Flush(ctx context.Context, patience time.Duration) {
	if d == nil {
		return
	}
	f := flush{patience, make(chan struct{})}
	d.mu.Lock()
	if !d.begun {
		d.mu.Unlock()
		return
	}
	d.flushes = append(d.flushes, f)
	d.mu.Unlock()
	d.nudge()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-f.done:
	case <-d.idle:
	case <-ctx.Done():
	}
}

// Close ends all that goes on, commands with all that they have started. What was not
// delivered is in the file then, if that can be written within limit; it reports whether it was.
func (d *Desk) Close(limit time.Duration) bool {
	if d == nil {
		return true
	}
	d.cancel()
	d.mu.Lock()
	begun := d.begun
	d.mu.Unlock()
	if !begun {
		return true
	}
	patience := time.NewTimer(limit)
	defer patience.Stop()
	select {
	case <-d.idle:
		return true
	case <-patience.C:
		return false
	}
}
