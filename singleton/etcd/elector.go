package etcd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/singleton"
)

// Options describe a candidate.
type Options struct {
	// Dialer connects to etcd. Required.
	Dialer *Dialer
	// Prefix and Name are the beginning of all keys: PREFIX/NAME/. Name is required. Prefix
	// defaults to "/holdfast".
	Prefix, Name string
	// TTL is how long a leader that is not heard from keeps its term. It is at least a second
	// and whole seconds. Etcd may give more if its election timeout is long; the term's
	// deadline then still has TTL. Required.
	TTL time.Duration
	// Who is the candidate, for people. Default: the host's name and the process's number.
	Who string
	// Machine is the name of the machine in the [Roster]. Empty: it is not in it.
	Machine string
	// Kept is the file with the highest revision that this machine saw. Its directory must
	// exist. Empty: an etcd that was restored from a snapshot is not noticed.
	Kept string
	// Told is called with what a candidate waits for, each time when that changes. It must not
	// block.
	Told func(Standing)

	now   func() (time.Duration, error) // the clock of the deadlines, boot time by default
	every time.Duration                 // between a leader's renewals, a third of the TTL by default
}

// A Standing is what a waiting candidate knows.
type Standing struct {
	Leader  string    // who leads; "" if nobody does, or if that is unknown
	Since   time.Time // when the leader's term began, by its own clock
	Trouble error     // what keeps the candidate from competing
}

// String returns the standing in words.
func (s Standing) String() string {
	switch {
	case s.Trouble != nil:
		return s.Trouble.Error()
	case s.Leader == "":
		return "nobody leads yet"
	}
	return s.Leader + " leads since " + s.Since.Local().Format(time.DateTime)
}

// An Elector campaigns for one candidate. Its methods are safe for concurrent use, but one
// campaign or term at a time is enough for a candidate.
type Elector struct {
	o Options

	mu     sync.Mutex
	client *clientv3.Client
	closed bool
	told   Standing

	showing sync.Mutex    // mu is held while a login or a disk takes its time, for which Post must not wait
	entry   []byte        // what the machine shows
	posted  chan struct{} // closed and replaced when that changes
}

var _ singleton.Elector = (*Elector)(nil)

// NewElector returns the elector of a candidate. It does not connect yet.
func NewElector(o Options) (*Elector, error) {
	switch {
	case o.Dialer == nil || len(o.Dialer.Endpoints) == 0:
		return nil, errors.New("etcd: there are no endpoints")
	case o.Name == "" || strings.Contains(o.Name, "/"):
		return nil, fmt.Errorf("etcd: the name %q must be neither empty nor contain a slash", o.Name)
	case o.TTL < time.Second || o.TTL%time.Second != 0:
		return nil, fmt.Errorf("etcd: a TTL of %v: etcd counts whole seconds", o.TTL)
	}
	o.Prefix = keysOf(o.Prefix, o.Name)
	if o.Who == "" {
		host, _ := os.Hostname()
		o.Who = fmt.Sprintf("%s, process %d", host, os.Getpid())
	}
	if o.Told == nil {
		o.Told = func(Standing) {}
	}
	if o.now == nil {
		o.now = bootClock
	}
	o.every = cmp.Or(o.every, o.TTL/3)
	return &Elector{o: o, posted: make(chan struct{})}, nil
}

// keysOf returns the beginning of all keys of a name.
func keysOf(prefix, name string) string {
	return strings.TrimRight(cmp.Or(prefix, defaultPrefix), "/") + "/" + name + "/"
}

// Campaign blocks until the candidate leads. It returns an error only if ctx ends or the
// elector is closed: it waits for an etcd that does not answer or refuses the candidate, and
// tells why.
func (e *Elector) Campaign(ctx context.Context) (singleton.Term, error) {
	t, err := e.campaign(ctx)
	if err != nil {
		return nil, err
	}
	return t, nil
}

func (e *Elector) campaign(ctx context.Context) (*Term, error) {
	pause := shortPause
	for {
		began := time.Now()
		t, err := e.compete(ctx)
		if err == nil {
			return t, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if errors.Is(err, errClosed) {
			return nil, err
		}
		e.tell(Standing{Trouble: e.explain(err)})
		if time.Since(began) > e.o.TTL { // it worked for a while
			pause = shortPause
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(pause/2 + rand.N(pause/2)): //nolint:gosec // no secret
		}
		pause = min(2*pause, longPause)
	}
}

const (
	defaultPrefix = "/holdfast"

	// The pause before a candidate tries again.
	shortPause = 200 * time.Millisecond
	longPause  = 5 * time.Second
)

var errClosed = errors.New("etcd: the elector is closed")

// Close closes the connection. A term that was not resigned ends at its deadline.
func (e *Elector) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	if e.client == nil {
		return nil
	}
	err := e.client.Close()
	e.client = nil
	return err
}

// connected returns the client, and makes one if there is none.
func (e *Elector) connected(ctx context.Context) (*clientv3.Client, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, errClosed
	}
	if e.client == nil {
		client, err := e.o.Dialer.Connect(ctx)
		if err != nil {
			return nil, err
		}
		e.client = client
	}
	return e.client, nil
}

// tell tells a standing that differs from the last one.
func (e *Elector) tell(s Standing) {
	e.mu.Lock()
	same := s.String() == e.told.String()
	e.told = s
	e.mu.Unlock()
	if !same {
		e.o.Told(s)
	}
}

func (e *Elector) explain(err error) error { return explain(err, e.o.Dialer.Handshake()) }

// bootClock also runs while the machine sleeps.
func bootClock() (time.Duration, error) { return proc.Boottime() }
