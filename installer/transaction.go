package installer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
)

// undoTime limits each step of a rollback. A rollback ignores the caller's context, whose end
// may be the reason for it.
const undoTime = time.Minute

// A Job describes a transaction.
type Job struct {
	Journal string // path of the journal, whose directory is there; empty: none is kept
	Verb    string // "install"
	Report  Report // may be nil
}

// A Transaction changes the machine completely or not at all. It must be used by one goroutine
// at a time. If it has a journal, the caller must hold the [Lock].
type Transaction struct {
	sys   platform.System
	job   Job
	r     record
	after []platform.Step // what is to be removed when all is done
	over  bool
}

// Begin begins a transaction on the machine sys. It writes nothing before the first step that
// has to be undone.
func Begin(sys platform.System, job Job) *Transaction {
	if job.Report == nil {
		job.Report = func(platform.Step, error) {}
	}
	return &Transaction{sys: sys, job: job, r: newRecord(job.Verb)}
}

// Apply carries out the steps in order. If a step fails, Apply rolls back the whole
// transaction, which is then over. The error says what failed and what could not be undone;
// the next [Resume] tries that again. The end of ctx makes the current step fail.
//
// After a step that cannot be undone the transaction can only be finished. Apply then ignores
// ctx, and leaves to the next [Resume] what fails.
func (t *Transaction) Apply(ctx context.Context, steps []platform.Step) error {
	for i, s := range steps {
		if s.Kind == platform.StepRemoveDir || t.r.Forth != nil {
			return t.finish(ctx, steps[i:])
		}
		t.job.Report(s, nil)
		if err := t.step(ctx, s); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", s.Describe, err), t.TakeBack(ctx))
		}
	}
	return nil
}

func (t *Transaction) step(ctx context.Context, s platform.Step) error {
	if s.Kind == platform.StepCopyFile {
		keep, write, back, ok, err := big(t.sys, s)
		if err != nil {
			return err
		}
		if ok {
			drop := platform.Step{Kind: platform.StepRemoveFile, Describe: s.Describe, Path: keep.Path}
			t.after = append(t.after, drop)
			if err := t.do(ctx, keep, []platform.Step{drop, {Kind: platform.StepRemoveFile, Path: files.Temporary(keep.Path)}}); err != nil {
				return err
			}
			return t.do(ctx, write, back)
		}
	}
	back, err := inverse(ctx, t.sys, s)
	if err != nil && s.MayFail && ctx.Err() == nil {
		t.job.Report(s, err)
		return nil
	}
	if err != nil {
		return err
	}
	return t.do(ctx, s, back)
}

// do writes the inverse of a step to the journal, and then carries out the step.
func (t *Transaction) do(ctx context.Context, s platform.Step, back []platform.Step) error {
	if err := t.Note(s.Describe, back...); err != nil {
		return err
	}
	err := carryOut(ctx, t.sys, s)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil && s.MayFail && ctx.Err() == nil {
		t.job.Report(s, err)
		return nil
	}
	return err
}

// Note adds steps to the rollback, for a change that the caller is about to make without
// Apply. A rollback carries them out in the given order, before it undoes the earlier steps.
// If Note returns nil, the steps are on disk.
func (t *Transaction) Note(describe string, back ...platform.Step) error {
	if len(back) == 0 {
		return nil
	}
	t.r.Back = append(t.r.Back, entry{Describe: describe, Steps: toJSON(back)})
	err := t.write()
	if err != nil { // nobody has done it
		t.r.Back = t.r.Back[:len(t.r.Back)-1]
	}
	return err
}

// finish carries out the steps that cannot be undone.
func (t *Transaction) finish(ctx context.Context, steps []platform.Step) error {
	before := t.r
	steps = slices.Concat(steps, t.after)
	t.r.Back, t.r.Forth = nil, toJSON(steps)
	if err := t.write(); err != nil {
		t.r = before
		if t.r.Forth != nil {
			return t.unfinished(err)
		}
		return errors.Join(err, t.TakeBack(ctx))
	}
	t.after = nil
	for _, s := range steps {
		t.job.Report(s, nil)
		if err := bounded(ctx, t.sys, s); err != nil && s.MayFail {
			t.job.Report(s, err)
		} else if err != nil {
			return t.unfinished(fmt.Errorf("%s: %w", s.Describe, err))
		}
	}
	return nil
}

func (t *Transaction) unfinished(err error) error {
	t.over = true
	if t.job.Journal == "" {
		return err
	}
	return fmt.Errorf("%w; the next install or uninstall finishes the rest", err)
}

// bounded carries out a step within undoTime, even if ctx has ended.
func bounded(ctx context.Context, sys platform.System, s platform.Step) error {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), max(undoTime, s.Within), platform.ErrTimeout)
	defer cancel()
	return carryOut(ctx, sys, s)
}

// TakeBack rolls the transaction back: it undoes all steps in reverse order. The transaction
// is then over. The error says which steps could not be undone; the next [Resume] tries them
// again. TakeBack ignores the end of ctx.
func (t *Transaction) TakeBack(ctx context.Context) error {
	if t.over || t.r.Forth != nil {
		return nil
	}
	t.over = true
	return takeBack(ctx, t.sys, t.job, &t.r)
}

// Commit ends the transaction. It can no longer be rolled back.
func (t *Transaction) Commit(ctx context.Context) error {
	if t.over {
		return nil
	}
	if len(t.after) > 0 {
		if err := t.finish(ctx, nil); err != nil {
			return err
		}
	}
	t.over = true
	if t.r.written {
		return removeJournal(t.sys, t.job.Journal)
	}
	return nil
}

// takeBack undoes the entries of a record in reverse order, and stops at the first failure,
// because earlier steps may depend on that one. It removes each entry from the journal as soon
// as it is undone: a command may fail if it is repeated after earlier steps are undone, too. A
// failure to write the journal does not stop the rollback, which may remove the journal at its
// end.
func takeBack(ctx context.Context, sys platform.System, job Job, r *record) error {
	var stale error
	for i, e := range slices.Backward(r.Back) {
		if err := e.takeBack(ctx, sys, job.Report); err != nil {
			return errors.Join(fmt.Errorf("not undone: %s: %w", e.Describe, err), stale)
		}
		r.Back = r.Back[:i]
		if job.Journal != "" && r.written && i > 0 {
			stale = writeJournal(sys, job.Journal, r)
		}
	}
	if job.Journal != "" && r.written {
		return removeJournal(sys, job.Journal)
	}
	return nil
}

func (e entry) takeBack(ctx context.Context, sys platform.System, report Report) error {
	for _, s := range fromJSON(e.Steps) {
		if err := bounded(ctx, sys, s); err != nil && s.MayFail {
			report(s, err)
		} else if err != nil {
			return err
		}
	}
	return nil
}
