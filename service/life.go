package service

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/reload"
	"github.com/holdfast-dev/holdfast/service/logsink"
	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/singleton"
)

// life is one run of a program. The goroutine of live goes through it from top
// to bottom; others reach it through the contexts asked and forced, the gate,
// and what guards itself.
type life struct {
	cfg   Config
	id    string
	begun time.Time
	host  platform.Host
	prog  Program
	sink  *logsink.Sink
	log   hclog.Logger
	dirs  Dirs

	lock   *singleton.Lock
	record *recovery.Record
	last   recovery.LastRun
	state  *stateFile

	gate     *reload.Gate
	group    *group
	cleanups cleanups
	health   health
	clocks   clocks

	events    chan platform.Event // for an Observer
	ready     chan struct{}       // closed by Runtime.Ready
	readyOnce sync.Once
	starting  *pending      // the call of Start; nil before it
	reloads   chan struct{} // closed when the gate's server has ended; nil before it
	straggler *pending      // a Reload that overran; only the gate's server uses it

	asked  context.Context // ends when a stop is asked for; the cause says by whom or what
	ask    context.CancelCauseFunc
	forced context.Context // ends when the stop must not take any longer
	force  context.CancelCauseFunc
	over   chan struct{} // closed when there is nothing left to serve
	hung   bool          // a step of the stop overran and may still be at work

	mu       sync.Mutex
	failures []error
}

// stopRequest is the cause of a stop that somebody asked for.
type stopRequest struct{ source string }

func (r *stopRequest) Error() string { return "asked to stop by " + r.source }

func newLife(cfg Config, host platform.Host, prog Program, sink *logsink.Sink) *life {
	l := &life{
		cfg: cfg, id: cfg.ID("").String(), host: host, prog: prog, sink: sink, log: sink.Logger(),
		begun: time.Now(),
		gate:  reload.New(),
		ready: make(chan struct{}), events: make(chan platform.Event, maxEvents),
		over: make(chan struct{}),
	}
	l.group = newGroup(l.fail)
	l.asked, l.ask = context.WithCancelCause(context.Background())
	l.forced, l.force = context.WithCancelCause(context.Background())
	return l
}

// fail notes why the service cannot go on, and asks for its stop.
func (l *life) fail(err error) {
	if panicked, ok := errors.AsType[*PanicError](err); ok {
		l.log.Error("the program panicked", "in", panicked.In, "value", fmt.Sprint(panicked.Value), "stack", string(panicked.Stack))
	}
	l.mu.Lock()
	l.failures = append(l.failures, err)
	l.mu.Unlock()
	l.ask(err)
}

// failure is all that went wrong until now.
func (l *life) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.failures...)
}

func (l *life) live(ctx context.Context) error {
	go l.listen(ctx)
	defer close(l.over)
	if err := l.claim(); err != nil {
		return err
	}
	l.start()
	<-l.asked.Done()
	return l.shutdown()
}

// listen turns what the outside asks into requests to the gate and to live. It
// never waits for either, so nothing that is asked is ever lost.
func (l *life) listen(ctx context.Context) {
	requests := 0
	stop := func(source string) {
		if requests++; requests == 1 {
			l.ask(&stopRequest{source})
			return
		}
		l.log.Warn("asked to stop again: leaving at once", "by", source)
		l.force(fmt.Errorf("%w by a second request, %s", ErrForced, source))
	}
	ended := ctx.Done()
	for {
		select {
		case r := <-l.host.Requests():
			switch r.Kind {
			case platform.RequestReload:
				l.gate.Request() // first: the log may have to wait for a disk
				l.log.Info("reload requested", "by", r.Source)
			case platform.RequestStop:
				stop(r.Source)
			case platform.RequestEvent:
				l.noteEvent(r.Event)
			}
		case <-ended:
			ended = nil
			stop("its caller: " + context.Cause(ctx).Error())
		case <-l.over:
			return
		}
	}
}

// claim makes this process the instance: lock, last-run record, state file.
func (l *life) claim() (err error) {
	if l.dirs, err = l.cfg.Dirs(); err != nil {
		return err
	}
	l.lock, err = singleton.Acquire(singleton.Options{
		Name: l.id, Dir: l.dirs.Runtime, StateDir: l.dirs.State, Origin: l.host.Name(), Overlap: overlap(l.host),
	})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.lock.Release())
		}
	}()
	self := l.lock.Holder().Identity
	l.record, l.last, err = recovery.Begin(l.dirs.LastRunFile(l.id), self, l.cfg.Version)
	if errors.Is(err, recovery.ErrDamaged) {
		l.log.Warn("the last run is taken for one that was cut off", "error", err)
	} else if err != nil {
		return err
	}
	l.state = newStateFile(l.dirs.StateFile(l.id), State{
		Name: l.id, Version: l.cfg.Version, Process: self, Manager: l.host.Name(), ConfigFile: l.cfg.File,
		StartedAt: l.begun, Restarts: l.record.Restarts(), LastExit: l.last.Ending(),
	}, func(err error) { l.log.Warn("state is out of date", "error", err) })
	if err := l.state.flush(l.state.enter(platform.PhaseStarting)); err != nil {
		return errors.Join(err, l.state.remove())
	}
	return nil
}

// start brings the program to readiness, or returns when a stop is asked for or
// the program has failed.
func (l *life) start() {
	if l.asked.Err() != nil {
		return
	}
	if !l.last.Clean() {
		l.log.Warn("the last run did not end cleanly", "how", l.last.Outcome(), "in_a_row", l.record.Restarts())
	}
	l.log.Info("starting", "pid", os.Getpid(), "version", l.cfg.Version, "config", l.cfg.File)
	limit := l.clocks.start(l.asked, l.cfg.StartTimeout)
	defer limit.stop()
	l.starting = begin("Start", l.startProgram)
	select {
	case <-l.starting.done:
		l.started()
	case <-l.ready:
		go func() { <-l.starting.done; l.started() }()
	case <-limit.ctx.Done():
		if errors.Is(context.Cause(limit.ctx), ErrOverrun) {
			l.fail(fmt.Errorf("program's Start %w of %v: raise start_timeout, or call Runtime.Progress while it gets on", ErrOverrun, l.cfg.StartTimeout))
		}
	}
	if l.asked.Err() == nil {
		l.becomeReady()
	}
}

func (l *life) startProgram() error {
	rt := &Runtime{l}
	if r, ok := l.prog.(Recoverer); ok && !l.last.Clean() {
		if err := protect("Recover", func() error { return r.Recover(l.asked, l.last) }); err != nil {
			return err
		}
	}
	return l.prog.Start(l.asked, rt)
}

// started looks at how Start ended.
func (l *life) started() {
	switch err := l.starting.err; {
	case err != nil && l.endedByRequest(err):
	case err != nil:
		l.fail(l.starting.prefixed())
	default:
		if _, whole := l.prog.(ProgramFunc); whole {
			l.ask(&stopRequest{"the end of its function"})
		}
	}
}

// endedByRequest tells whether err only says that the stop was noticed.
func (l *life) endedByRequest(err error) bool {
	return l.asked.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.Cause(l.asked)))
}

func (l *life) becomeReady() {
	now := time.Now()
	l.state.updateNow(func(s *State) {
		l.state.enter(platform.PhaseReady)(s)
		s.ReadyAt = now
	})
	l.notify(platform.Notice{Phase: platform.PhaseReady})
	l.reloads = make(chan struct{})
	go l.serveReloads()
	l.gate.Open()
	l.log.Info("ready", "after", now.Sub(l.begun))
	l.attend()
}

// attend begins what goes on beside a ready program until the life is over.
func (l *life) attend() {
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-l.over; cancel() }()
	go func() {
		if err := l.record.Sync(); err != nil {
			l.log.Warn("a power cut might go unnoticed", "error", err)
		}
	}()
	go l.guard(ctx)
	if o, ok := l.prog.(Observer); ok {
		go l.observe(o)
	}
	go func() {
		if err := l.watch(ctx); err != nil {
			l.fail(err)
		}
	}()
}

// notify tells the host. That nobody hears is worth a word, not a failure: a
// manager that really is gone will be noticed otherwise.
func (l *life) notify(n platform.Notice) {
	if err := l.host.Notify(n); err != nil {
		l.log.Warn("the manager was not told", "error", err)
	}
}
