package runner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

// A primary has the timetable and the journal, and carries out runs itself or by workers.
type primary struct {
	log      *slog.Logger
	journal  *journal.Journal
	folder   folder
	api      string // URL
	cfg      atomic.Pointer[config]
	register *register
	workers  *workers
	permits  chan struct{} // one for each run that may begin in this process
	apart    bool          // only workers carry out runs

	submitting sync.Mutex     // held while checking that a job is idle and adding a run
	runs       sync.WaitGroup // runs in this process

	// A stop has two steps, because interrupted work must not be dispatched again.
	dispatching   context.Context
	stopDispatch  context.CancelFunc
	dispatchEnded chan struct{}
	stopping      context.Context
	stop          context.CancelCauseFunc
}

var (
	errStopped = errors.New("the service was stopped")
	errAborted = errors.New("it was aborted by hand")
)

func newPrimary(log *slog.Logger, f folder, cfg config) *primary {
	p := &primary{log: log, folder: f, register: newRegister(), workers: newWorkers(), permits: make(chan struct{}, cfg.MaxRunning)}
	p.cfg.Store(&cfg)
	p.stopping, p.stop = context.WithCancelCause(context.Background())
	p.dispatching, p.stopDispatch = context.WithCancel(p.stopping)
	p.dispatchEnded = make(chan struct{})
	for range cfg.MaxRunning {
		p.permits <- struct{}{}
	}
	return p
}

func (p *primary) config() *config { return p.cfg.Load() }

// options returns the options of the primary's journal.
func (p *primary) options() journal.Options {
	c := p.config()
	o := journal.Options{MaxCrashes: int(c.MaxCrashes), Keep: int(c.Keep), Collect: p.collect, OnAbort: p.abort, Hold: p.hold}
	if p.apart {
		o.MaxBytes = mostShared
	}
	return o
}

// open uses the journal j, and registers the runs that an earlier run has left.
func (p *primary) open(j *journal.Journal) error {
	p.journal = j
	all, _, err := j.List(0)
	for _, e := range all {
		if e.State == journal.Queued || e.State == journal.Begun || e.State == journal.Interrupted && e.Rerun {
			p.register.set(e)
		}
	}
	return err
}

// collect returns the outcome of a run whose keeper ended while the service was down.
func (p *primary) collect(e journal.Entry) (journal.Outcome, bool) {
	end, ok := p.folder.ending(e.ID, e.Attempt)
	if !ok {
		endLeftover(p.folder.of(e.ID))
		return journal.Outcome{}, false
	}
	p.log.Info("a run ended while the service was down: its outcome is collected", "run", e.ID, "job", e.Kind, "state", end.State)
	o := journal.Outcome{State: end.State, Reason: end.Reason}
	if j, ok := p.config().find(e.Kind); ok && end.State == journal.Failed && e.Failures < int(j.Retries) {
		o.State = journal.Begun
	}
	return o, true
}

// abort ends a run that was aborted by hand. A worker learns of it when it renews its lease.
func (p *primary) abort(e journal.Entry) {
	if !p.register.end(e.ID, errAborted) && e.Child != nil {
		_ = e.Child.Signal(syscall.SIGTERM)
	}
	p.register.remove(e.Kind, e.ID)
	p.journal.Wake()
}

// submit queues a run of a job, and returns when that is durable. The error is
// [journal.ErrKnown] if the key is known.
func (p *primary) submit(ctx context.Context, j job, trigger journal.Trigger, params []byte, key string) (journal.Entry, error) {
	w := journal.Work{Kind: j.Name, Trigger: trigger, Params: params, Key: key, Rerun: j.Rerun}
	if j.Overlap == overlapSkip {
		p.submitting.Lock()
		defer p.submitting.Unlock()
		if open := p.busy(j.Name); open != 0 {
			return p.skip(ctx, w, open)
		}
	}
	e, err := p.journal.Enqueue(ctx, w)
	if err == nil {
		p.register.set(e)
	}
	return e, err
}

// skip records a run that is not carried out, and why.
func (p *primary) skip(ctx context.Context, w journal.Work, open uint64) (journal.Entry, error) {
	w.Rerun = false
	e, err := p.journal.Begin(ctx, w)
	if err == nil {
		p.log.Info("a run is skipped", "run", e.ID, "job", e.Kind, "under_way", open)
		err = p.journal.Finish(ctx, e.ID, journal.Outcome{State: journal.Aborted, Reason: fmt.Sprintf("skipped: run %d of the job was under way", open)})
	}
	return e, err
}

// perform carries out a run in this process, with its retries. child is its keeper, if that is
// already running.
func (p *primary) perform(e journal.Entry, child *proc.Identity) {
	ctx, cancel := context.WithCancelCause(p.stopping)
	defer cancel(nil)
	p.register.here(e.ID, cancel)
	defer p.register.notHere(e.ID)
	for first := true; ; first = false {
		j, known := p.config().find(e.Kind)
		if !known && child == nil {
			p.conclude(ctx, e, job{}, ending{State: journal.Failed, Reason: "the timetable no longer has such a job"})
			return
		}
		var end ending
		if child != nil && first {
			end = p.folder.adopt(p.assign(e, j), *child).wait(ctx)
		} else {
			end = p.attempt(ctx, e, j)
		}
		again, wait := p.conclude(ctx, e, j, end)
		if again == nil {
			return
		}
		e = *again
		select {
		case <-time.After(wait):
		case <-ctx.Done(): // the next attempt then ends at once
		}
	}
}

// attempt runs the command of a job once.
func (p *primary) attempt(ctx context.Context, e journal.Entry, j job) ending {
	if ctx.Err() != nil {
		return ending{State: journal.Interrupted, Reason: context.Cause(ctx).Error(), Asked: true}
	}
	s, err := p.folder.start(p.assign(e, j))
	if err != nil { // not the job's fault
		pause(ctx, time.Second)
		return ending{State: journal.Interrupted, Reason: err.Error()}
	}
	// Record the keeper before it has any effect, so that a later run finds it.
	if err := p.journal.Child(ctx, e.ID, s.id); err != nil {
		s.drop()
		return ending{State: journal.Interrupted, Reason: err.Error(), Asked: true}
	}
	p.log.Info("run begins", "run", e.ID, "job", e.Kind, "trigger", e.Trigger, "attempt", e.Attempt, "rerun_of", e.RerunOf, "why", p.why(e))
	if err := s.run(); err != nil {
		s.drop()
		return ending{State: journal.Interrupted, Reason: "its keeper was killed"}
	}
	return s.wait(ctx)
}

// why returns why the run was interrupted that e is a rerun of.
func (p *primary) why(e journal.Entry) string {
	if e.RerunOf == 0 {
		return ""
	}
	before, err := p.journal.Show(e.RerunOf)
	if err != nil {
		return ""
	}
	return before.Reason
}

// conclude records how an attempt of e ended. If there is a retry, it returns that attempt and
// the pause before it.
func (p *primary) conclude(ctx context.Context, e journal.Entry, j job, end ending) (again *journal.Entry, wait time.Duration) {
	again, wait, err := p.settle(e, j, end)
	for err != nil && !errors.Is(err, journal.ErrEnded) {
		// The ending is on disk, so the next run of the service can collect it.
		p.log.Error("the outcome of a run cannot be recorded: trying again", "run", e.ID, "error", err)
		select {
		case <-time.After(time.Second):
			again, wait, err = p.settle(e, j, end)
		case <-ctx.Done():
			return nil, 0
		}
	}
	if err != nil {
		p.log.Info("the outcome of a run no longer counts", "run", e.ID, "job", e.Kind, "outcome", end.State, "because", err)
	}
	if again == nil {
		p.refresh(e.Kind, e.ID)
		p.journal.Wake()
	}
	return again, wait
}

// settle tries once to do what conclude does.
func (p *primary) settle(e journal.Entry, j job, end ending) (*journal.Entry, time.Duration, error) {
	log := p.log.With("run", e.ID, "job", e.Kind, "trigger", e.Trigger, "attempt", e.Attempt, "reason", end.Reason)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	switch {
	case end.State == journal.Failed && e.Failures < int(j.Retries):
		again, err := p.journal.Retry(ctx, e.ID, end.Reason)
		if err != nil {
			return nil, 0, err
		}
		wait := j.pause(again.Failures)
		log.Warn("run failed and is tried again", "in", wait)
		return &again, wait, nil
	case end.State == journal.Interrupted && end.Asked:
		err := p.journal.Interrupt(ctx, e.ID, end.Reason)
		if err == nil {
			log.Warn("run was interrupted", "rerun", e.Rerun)
		}
		return nil, 0, err
	}
	err := p.journal.Finish(ctx, e.ID, journal.Outcome{State: end.State, Reason: end.Reason})
	if err == nil {
		log.Info("run ended", "state", end.State)
	}
	return nil, 0, err
}
