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
	// diskPatience limits how long an alarm waits for the queue file before it is delivered
	// without being in the file.
	diskPatience = 2 * time.Second
	// saveRetry is the pause before a failed write of the file is repeated.
	saveRetry = 10 * time.Second
	// The pauses after failed deliveries.
	backOff    = 10 * time.Second
	backOffMax = 15 * time.Minute
	// maxRaised limits the alarms that wait for the desk's own goroutine.
	maxRaised = MaxPending
)

// Options configure a [Desk].
type Options struct {
	Config Config
	Poster Poster // nil: no web hooks
	File   string // of the queue: see [File]

	Service string // the service that the alarms are about
	Host    string
	Version string
	Term    uint64
	Log     *slog.Logger

	// Dirs are the directories whose free space is checked, every Config.DiskEvery.
	Dirs []string
	// Look is called at the same interval to report other levels: see [Desk.Level]. It may be
	// nil.
	Look func(*Desk)
	// Changes reports changes in the directory of File, where notes are left. The desk closes it.
	// nil: the desk looks for notes every second.
	Changes Changes

	system system
}

// system has the functions of the machine that a desk uses. Tests replace them.
type system struct {
	command func(context.Context, Config, Event, *slog.Logger) error
	read    func(path string) (*queue, error)
	write   func(path string, content []byte) error
	space   func(dir string) (files.Space, error)
	take    func(path string) (*Note, error)
	every   time.Duration // between two looks for notes, at least
}

func theSystem() system {
	return system{
		command: runCommand, read: readQueue, space: files.SpaceOf, take: takeNote, every: noteEvery,
		write: func(path string, content []byte) error { return files.Replace(path, content, 0o644, true) },
	}
}

// A Desk accepts alarms and delivers them. All methods are safe for concurrent use. They may
// be called on a nil Desk, which delivers nothing. Only Flush and Close block.
type Desk struct {
	o      Options
	wake   chan struct{}
	again  chan struct{}   // holds a token when the scout is to look at once
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	idle   chan struct{}  // closed when everything has ended
	others sync.WaitGroup // deliveries

	mu      sync.Mutex
	config  Config  // with defaults, from Options or a later [Desk.Reload]
	fresh   bool    // the goroutine of run has not seen config yet
	begun   bool    // goroutines have been started
	raised  []Event // for the goroutine of run, joined as far as possible
	lost    int     // alarms for which there was no room in raised
	levels  []level
	number  int // number of ids that this run has made
	joined  int // number of alarms joined in raised
	counts  Counts
	flushes []flush
}

// A level is a [Desk.Level] that the goroutine of run has not seen yet.
type level struct {
	event Event
	n     int
}

// Open starts to accept alarms, and to deliver those that an earlier run has left. It returns
// at once. A Desk whose configuration is not enabled does nothing until a reload.
func Open(o Options) *Desk {
	if o.system.command == nil {
		o.system = theSystem()
	}
	d := &Desk{o: o, wake: make(chan struct{}, 1), again: make(chan struct{}, 1), idle: make(chan struct{})}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	d.Reload(o.Config)
	return d
}

// Reload brings c into force. Waiting alarms then use the ways of delivery of c, without the
// pauses after earlier failures. A delivery that is under way continues. If c is not enabled,
// waiting alarms are kept until a later configuration is. Reload has no effect if c has not
// changed.
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
	nudge(d.again)
	nudge(d.wake)
}

func (d *Desk) inForce() Config {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.config
}

// Raise raises an alarm. Kinds that the configuration leaves out are dropped.
func (d *Desk) Raise(kind Kind, subject, text string) { d.RaiseOnce("", kind, subject, text) }

// RaiseOnce is like Raise, but with a given id. An alarm with the same id is raised only once,
// even by later runs.
func (d *Desk) RaiseOnce(id string, kind Kind, subject, text string) {
	d.RaiseUnless("", id, kind, subject, text)
}

// RaiseUnless is like RaiseOnce, but raises nothing if the alarm with the id other has been or
// is about to be delivered.
func (d *Desk) RaiseUnless(other, id string, kind Kind, subject, text string) {
	if d == nil || !d.inForce().tells(kind) {
		return
	}
	e := d.event(kind, subject, text)
	e.ID, e.unless = id, other
	d.put(e)
}

// Counts has the numbers of alarms of this run. Pending may include alarms of earlier runs.
type Counts struct {
	Pending int // not completely delivered yet
	Joined  int // joined with another alarm
	Dropped int // lost: too many waited, or too many deliveries failed
	Ways    []WayCount
}

// A WayCount counts the deliveries by one way.
type WayCount struct {
	Name         string // "command" or "webhook"
	Sent, Failed int
}

// Counts returns the current counts. They are zero for a nil Desk.
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

// put queues e for the goroutine of run. An event without an id is joined with another one, or
// gets an id.
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

// Level reports the level of a problem that has degrees; 0 means that there is none. It raises
// an alarm if the level is higher than before, even compared with an earlier run.
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

func (d *Desk) nudge() { nudge(d.wake) }

func nudge(who chan<- struct{}) {
	select {
	case who <- struct{}{}:
	default:
	}
}

// A flush is a caller of Flush that waits.
type flush struct {
	patience time.Duration
	done     chan struct{}
}

// Flush blocks until all due deliveries have succeeded or failed, or ctx ends. It waits for a
// delivery no longer than patience after its beginning. If a delivery hangs or none is due, it
// does not wait at all.
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

// Close ends all deliveries, and kills commands with everything they have started. It reports
// whether the alarms that are not delivered could be written to the file within limit.
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
