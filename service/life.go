package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/alarm"
	"github.com/holdfast-dev/holdfast/service/internal/kept"
	"github.com/holdfast-dev/holdfast/service/internal/sockets"
	"github.com/holdfast-dev/holdfast/service/logsink"
)

// A life is one run of a program. The goroutine of live goes through it from top to bottom.
// Other goroutines act on it through the contexts of the listener, the gate, and fields that
// have a lock of their own.
type life struct {
	*listener
	holding
	candidacy
	machine machine

	cfg   *Config
	id    string
	begun time.Time
	prog  Program
	sink  *logsink.Sink
	log   *slog.Logger

	phase    phases
	group    *group
	cleanups cleanups
	health   health
	clocks   clocks
	alarms   *alarm.Desk // nil: no alarms

	listens   atomic.Pointer[sockets.Set]
	kept      atomic.Pointer[kept.Set]
	ofCommand atomic.Pointer[kept.Descriptors] // of package service/wrap
	files     []*os.File                       // that the manager handed over and that are no sockets of ours

	ready     chan struct{} // closed by Runtime.Ready
	readyOnce sync.Once
	served    chan struct{}     // closed when the service has become ready
	starting  *pending          // the call of Start; nil before it
	recovered atomic.Bool       // the program has learnt how the last run ended, and Recover has succeeded
	startOnce sync.Once         // for startEnded
	reloads   chan struct{}     // closed when the gate's server has ended; nil before it
	overrun   *pending          // a Reload that overran; only the gate's server uses it
	settings  map[string]string // in force, see Config.Settings; once reloads are served, only the gate's server uses it
	own       map[string]string // likewise, see Config.ProgramSettings
	sites     []Socket          // of the configuration in force
	told      string            // the failure last logged; only the goroutine of live uses it
	hung      bool              // a step of the stop overran and may still be at work
	turn      chan struct{}     // has a token while a leader starts or a reload runs, which wait for each other
	anew      bool              // it follows another life in this process
	goesOn    bool              // another life follows in this process

	mu       sync.Mutex
	failures []error
}

func newLife(m machine, s *listener, cfg *Config, prog Program, sink *logsink.Sink) *life {
	l := &life{
		listener: s, machine: m, cfg: cfg, id: cfg.ID("").String(), prog: prog, sink: sink, log: sink.Slog(),
		begun: time.Now(), candidacy: newCandidacy(), anew: m.anew,
		phase: phases{now: platform.PhaseStarting}, health: health{added: make(chan struct{}, 1)},
		ready: make(chan struct{}), served: make(chan struct{}), turn: make(chan struct{}, 1), settings: cfg.allSettings(), own: cfg.programSettings, sites: cfg.Sockets,
	}
	l.group = newGroup(l.with(context.Background()), l.fail)
	return l
}

// fail records a failure and requests the stop.
func (l *life) fail(err error) {
	if panicked, ok := errors.AsType[*PanicError](err); ok {
		l.log.Error("the program panicked", "in", panicked.In, "value", fmt.Sprint(panicked.Value), "stack", string(panicked.Stack))
	}
	l.mu.Lock()
	l.failures = append(l.failures, err)
	l.mu.Unlock()
	l.requestStop(err)
}

// failure returns all failures so far, joined.
func (l *life) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.failures...)
}

func (l *life) live() (err error) {
	l.holding, err = prepare(l.listener, fmt.Sprintf("take the name %q", l.id), l.cfg.StartTimeout, claimAbandonAfter, l.claim, func(h holding) { h.giveUp(l.id) })
	if errors.Is(err, errNotBegun) { // it may leave anything behind
		err = fmt.Errorf("%w: %w", ErrForced, err)
	}
	if err != nil {
		return err
	}
	l.openAlarms()
	l.beginWork()
	<-l.stopping.Done()
	return l.shutdown()
}

// beginWork starts the program, once this instance leads its cluster, if it has one.
func (l *life) beginWork() {
	if l.stopping.Err() != nil {
		return
	}
	if !l.last.Clean() {
		l.log.Warn("the last run did not end cleanly", "how", l.last.Outcome(), "in_a_row", l.record.Restarts())
	}
	l.log.Info("starting", "pid", os.Getpid(), "version", l.cfg.Version, "config", l.cfg.File)
	if !l.anew { // otherwise the manager knows the service as ready, and may want its keep-alives
		l.awaitTurn()
		l.awaitNetwork()
	}
	if l.cfg.Cluster != nil {
		l.stand()
		if l.led == nil {
			return
		}
		defer func() { <-l.turn }()
	}
	l.start()
}

// start starts the program and returns when it is ready, has failed, or is asked to stop.
func (l *life) start() {
	if l.stopping.Err() != nil {
		return
	}
	limit := l.clocks.start(l.stopping, l.cfg.StartTimeout)
	defer limit.stop()
	l.starting = begin("Start", l.startProgram)
	select {
	case <-l.starting.done:
		l.startEnded()
	case <-l.ready:
		go func() { <-l.starting.done; l.startEnded() }()
	case <-limit.ctx.Done():
		if errors.Is(context.Cause(limit.ctx), ErrOverrun) {
			l.fail(fmt.Errorf("program's Start %w of %v: raise start_timeout, or call Runtime.Progress as the start proceeds", ErrOverrun, l.cfg.StartTimeout))
		}
	}
	l.becomeReady()
}

func (l *life) startProgram() error {
	ctx := l.with(l.stopping)
	if err := l.listenAll(ctx); err != nil {
		return err
	}
	if l.cfg.Cluster == nil { // a candidate has begun them
		if err := l.extend(ctx); err != nil {
			return err
		}
	}
	if err := l.migrate(ctx); err != nil {
		return err
	}
	if r, ok := l.prog.(Recoverer); ok && !l.last.Clean() {
		if err := protect("Recover", func() error { return r.Recover(ctx, l.last) }); err != nil {
			return err
		}
	}
	l.recovered.Store(true)
	return l.prog.Start(kept.NewContext(ctx, l.ofCommand.Load()), FromContext(ctx))
}

// startEnded handles the end of Start, once, whoever notices it first.
func (l *life) startEnded() {
	l.startOnce.Do(func() {
		switch err := l.starting.err; {
		case err != nil && l.endedByRequest(err):
		case err != nil:
			l.fail(l.denied(l.starting.prefixed()))
		default:
			if _, whole := l.prog.(ProgramFunc); whole {
				l.requestStop(&stopRequest{source: "the end of its function"})
			}
		}
	})
}

// endedByRequest reports whether Start returned err because a stop was requested. A Start that
// was interrupted before readiness may return any error.
func (l *life) endedByRequest(err error) bool {
	if _, panicked := errors.AsType[*PanicError](err); panicked || l.stopping.Err() == nil {
		return false
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.Cause(l.stopping)) {
		return true
	}
	select {
	case <-l.ready:
		return false
	default:
		l.log.Warn("Start returned because a stop was requested", "error", err)
		return true
	}
}

func (l *life) becomeReady() {
	if !l.socketsTaken() {
		return
	}
	now := time.Now()
	if !l.enter(platform.PhaseReady, func(s *State) { s.ReadyAt = now }) {
		return
	}
	l.openGate()
	close(l.served)
	if l.trial == nil {
		l.confirmKept()
	}
	l.log.Info("ready", "after", now.Sub(l.begun))
	if !l.standing {
		l.attend()
	}
	if o, ok := l.prog.(Observer); ok {
		go l.observe(o)
	}
}

// openGate lets reloads through, if it has not done so for a candidate.
func (l *life) openGate() {
	if l.reloads != nil {
		return
	}
	l.reloads = make(chan struct{})
	go l.serveReloads()
	l.gate.Open()
}

// attend begins the work beside a ready program, or a candidate that waits. It lasts until the
// end of the life.
func (l *life) attend() {
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-l.over; cancel() }()
	go func() {
		if err := errors.Join(l.noteReady(), l.record.Sync()); err != nil {
			l.log.Warn("a power cut might go unnoticed", "error", err)
		}
	}()
	if l.trial != nil {
		go l.awaitConfirmation()
	}
	go l.guard(ctx)
	go func() {
		if err := l.watch(ctx); err != nil {
			l.fail(err)
		}
	}()
}

// notify tells the host. An error is only logged: if the manager is gone, that shows
// elsewhere.
func (l *life) notify(n platform.Notice) {
	if err := l.host.Notify(n); err != nil {
		l.log.Warn("the manager could not be notified", "error", err)
	}
}
