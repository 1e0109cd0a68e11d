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

// undoTime bounds each step of the way back, which must be gone even when the
// caller's context is what ended the way forth.
const undoTime = time.Minute

// Job says what a transaction is for.
type Job struct {
	Journal string // path of the journal, whose directory is there; empty: none is kept
	Verb    string // "install"
	Report  Report // may be nil
}

// Transaction is a change of the machine that is made whole or not at all. One
// goroutine uses it, and, where it has a journal, who has the [Lock].
type Transaction struct {
	sys   platform.System
	job   Job
	r     record
	after []platform.Step // what is to be removed when all is done
	over  bool
}

// Begin begins a transaction on the machine that sys reaches. Nothing is written
// before there is something to take back.
func Begin(sys platform.System, job Job) *Transaction {
	if job.Report == nil {
		job.Report = func(platform.Step, error) {}
	}
	return &Transaction{sys: sys, job: job, r: newRecord(job.Verb)}
}

// Apply carries the steps out in order. When one fails, all that the transaction has
// done is taken back and the transaction is over; the error says what failed, joined
// with what could not be taken back, which the next [Resume] tries again. The end of
// ctx counts as a failure of the step that is under way. From a step on that cannot
// be taken back, a failure leaves the rest to the next [Resume], and ctx has no say.
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

// do carries out a step when what takes it back is on the disk.
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

// Note has the transaction be taken back by these steps as well, in this order and
// before what has been done until now: for what the caller is about to do himself.
// When it returns without an error, that is on the disk.
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

// finish carries out what cannot be taken back any more.
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
	return fmt.Errorf("%w; the rest is left for the next install or uninstall to finish", err)
}

// bounded carries out a step whatever has become of ctx.
func bounded(ctx context.Context, sys platform.System, s platform.Step) error {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), max(undoTime, s.Within), platform.ErrTimeout)
	defer cancel()
	return carryOut(ctx, sys, s)
}

// TakeBack takes everything back, last things first, and returns what could not be,
// from which on the next [Resume] tries again. The transaction is over. It is not
// affected by the end of ctx.
func (t *Transaction) TakeBack(ctx context.Context) error {
	if t.over || t.r.Forth != nil {
		return nil
	}
	t.over = true
	return takeBack(ctx, t.sys, t.job, &t.r)
}

// Commit ends a transaction that has come to its end: from now on it is not taken
// back any more.
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

// takeBack carries out what a record has noted, last things first, and stops at what
// fails: what comes before builds on it, and stays in the journal with it. What is done
// goes from there at once, as a command that takes something back need not succeed again
// when what came before that is gone, too. That the journal cannot be written does not
// stop it: it may be removed in the end.
func takeBack(ctx context.Context, sys platform.System, job Job, r *record) error {
	var stale error
	for i, e := range slices.Backward(r.Back) {
		if err := e.takeBack(ctx, sys, job.Report); err != nil {
			return errors.Join(fmt.Errorf("not taken back: %s: %w", e.Describe, err), stale)
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
