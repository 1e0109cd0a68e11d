//go:build linux || darwin || windows

package service_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/singleton"
)

// electionTTL leaves time for a stop_timeout of electionStop.
const (
	electionTTL  = 20 * time.Second
	electionStop = 6 * time.Second
)

// An election is a cluster in memory, whose engine the test plays.
type election struct {
	results    chan result // of campaigns
	candidates chan service.Candidate
	refused    error // by Elect
	deaf       bool  // Campaign ignores the end of its context

	mu     sync.Mutex
	events []string
}

// A result is what a campaign returns.
type result struct {
	term *ballot
	err  error
}

type electionSettings struct {
	service.ClusterSettings
	Endpoint string `toml:"endpoint" help:"of the engine"`
}

func newElection() *election {
	return &election{results: make(chan result, 9), candidates: make(chan service.Candidate, 9)}
}

func (*election) Defaults() any { return &electionSettings{Endpoint: "memory"} }

func (e *election) Elect(_ context.Context, c service.Candidate, settings any) (singleton.Elector, error) {
	if s := settings.(*electionSettings); s.TTL <= 0 || s.Name == "" {
		return nil, errors.New("the settings are not complete")
	}
	e.candidates <- c
	return e, e.refused
}

func (e *election) Campaign(ctx context.Context) (singleton.Term, error) {
	ends := ctx.Done()
	if e.deaf {
		ends = nil
	}
	select {
	case r := <-e.results:
		if r.term == nil {
			return nil, r.err
		}
		return r.term, r.err
	case <-ends:
		return nil, context.Cause(ctx)
	}
}

func (e *election) Close() error { e.note("closed"); return nil }

func (e *election) note(event string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.events = append(e.events, event)
}

func (e *election) noted() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.events
}

// elect lets the next campaign win.
func (e *election) elect(token uint64) *ballot {
	b := &ballot{e: e, token: token, lost: make(chan struct{}), renews: true}
	e.results <- result{term: b}
	return b
}

// A ballot is a term that the test can lose in several ways.
type ballot struct {
	e     *election
	token uint64
	lost  chan struct{}

	mu     sync.Mutex
	renews bool
	end    time.Time
	fails  error // of Resign
	cause  error // why it is lost
}

func (b *ballot) Token() uint64         { return b.token }
func (b *ballot) Lost() <-chan struct{} { return b.lost }

func (b *ballot) Deadline() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.renews {
		return time.Now().Add(electionTTL)
	}
	return b.end
}

func (b *ballot) Cause() error { return b.cause }

func (b *ballot) Resign(context.Context) error {
	b.e.note("resigned")
	return b.fails
}

// silence makes the renewals fail from now on.
func (b *ballot) silence(left time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.renews, b.end = false, time.Now().Add(left)
}

// candidacy begins a life with a cluster, and returns its candidate.
func (b *bench) candidacy(e *election, p service.Program) service.Candidate {
	b.cfg.Cluster, b.cfg.StopTimeout = e, electionStop
	b.run(b.t.Context(), p)
	return <-e.candidates
}

// A worker is a program that records when it works.
type worker struct {
	mu     sync.Mutex
	starts []uint64 // tokens
	stops  int
	slow   time.Duration // a stop takes that long
	rt     chan *service.Runtime
}

func newWorker() *worker { return &worker{rt: make(chan *service.Runtime, 9)} }

func (w *worker) Start(_ context.Context, rt *service.Runtime) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.starts = append(w.starts, rt.Term().Token())
	w.rt <- rt
	return nil
}

func (w *worker) Stop(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stops++
	select {
	case <-time.After(w.slow):
	case <-ctx.Done():
	}
	return nil
}

func (w *worker) did() (starts []uint64, stops int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.starts, w.stops
}
