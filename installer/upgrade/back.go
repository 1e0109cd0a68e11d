package upgrade

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/holdfast-dev/holdfast/installer/trial"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// During these steps the service is restarted, and only the ledger records that.
const (
	stepBack  = "roll back"
	stepRenew = "restart from its path"
)

// back makes the confirmed version run again. It pins the candidate if why, the reason for the
// rollback, is the candidate's fault. It ignores the end of ctx.
func (e *Engine) back(ctx context.Context, why error) (Attempt, error) {
	asked := e.at.Tried
	var stopped errAsked
	errors.As(why, &stopped)
	e.at.Step = stepBack
	if stopped.stop {
		e.at.Step = "end the trial"
	}
	if err := e.before("roll back"); isCut(err) {
		return *e.at, err
	}
	_ = e.ledger.write(e.Ledger) // a full disk must not prevent the rollback
	up, err := e.restore(context.WithoutCancel(ctx), !stopped.stop)
	if isCut(err) {
		return *e.at, err
	}
	if err != nil {
		e.note(err.Error())
	}
	replaced := errors.Is(why, errReplaced)
	if replaced { // the replacement is confirmed from now on
		if err := e.confirmedVersion(context.WithoutCancel(ctx)); err != nil {
			e.note(err.Error())
		}
	}
	unconfirmed := errors.As(why, new(unconfirmedError))
	switch tries, err := trial.ReadTries(e.TriesFile, e.ID); {
	case ctx.Err() != nil || stopped.by != "" || replaced && asked || unconfirmed: // not the candidate's fault
		e.discard()
		return e.end(ctx, Interrupted, why.Error(), up)
	case !asked:
		e.discard()
		return e.end(ctx, Refused, why.Error(), up)
	case err != nil || tries.Count > 0: // it was executed, and failed
		e.ledger.pin(e.at.To, e.Now(), why.Error())
	}
	e.discard()
	return e.end(ctx, RolledBack, why.Error(), up)
}

// discard removes the candidate, unless it is one of the kept versions.
func (e *Engine) discard() {
	if !slices.ContainsFunc(e.ledger.Kept, func(v Version) bool { return v.SHA256 == e.at.To.SHA256 }) {
		drop(e.Stable, e.at.To.Path)
	}
	e.at.To.Path = ""
}

// restores limits the attempts to start or restart a service that does not come up.
const restores = 3

// restore ends the trial. It then makes the confirmed version run if the candidate runs or,
// with start set, if nothing runs. up reports whether the service finally is as it should be.
func (e *Engine) restore(ctx context.Context, start bool) (up bool, err error) {
	err = e.before("end the trial")
	if err == nil {
		err = trial.Remove(e.Record)
	}
	if err != nil {
		return false, fmt.Errorf("%w: it ends at its deadline", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, e.Restore, platform.ErrTimeout)
	defer cancel()
	if err := e.before("restart the previous version"); isCut(err) {
		return false, err
	}
	asked := 0
	var last error
	for {
		l := e.status(ctx)
		switch {
		case l.Behind:
		case l.Ready && !l.OnTrial, !l.Running && !start:
			return true, nil
		case l.OnTrial, !l.Running:
			if asked == restores {
				return false, fmt.Errorf("the previous version does not start: %w", errOr(last, l.Why))
			}
			asked++
			if !l.Running {
				last = e.Start(ctx)
				continue
			}
			if l.Ready {
				e.away = e.Now()
			}
			last = e.Restart(ctx)
			continue
		}
		if err := e.Sleep(ctx, statusEvery); err != nil {
			return false, fmt.Errorf("the previous version is not ready: %w%s", err, behind(l.Why))
		}
	}
}

func errOr(err error, text string) error {
	if err != nil {
		return err
	}
	return errors.New(text)
}

// An ElsewhereError means that an interrupted upgrade of the same program belongs to another
// service. It has to be ended through that service.
type ElsewhereError struct{ Service string }

func (e *ElsewhereError) Error() string {
	return fmt.Sprintf("an upgrade of the same program through %q was interrupted", e.Service)
}

// Recover ends an upgrade whose conductor was killed. It decides by one fact: which version is
// at the stable path. No other process may conduct an upgrade meanwhile. If the upgrade
// belongs to another service, the error is an [*ElsewhereError].
func (e *Engine) Recover(ctx context.Context) error {
	l, err := ReadLedger(e.Ledger)
	if err != nil {
		return err
	}
	e.ledger = l
	if l.Last == nil || l.Last.Result != "" {
		return nil
	}
	e.at = l.Last
	if e.at.Service != "" && e.at.Service != e.Service && (e.Known == nil || e.Known(e.at.Service)) {
		return &ElsewhereError{e.at.Service}
	}
	if err := e.mend(); err != nil {
		return err
	}
	digest, err := Digest(e.Stable)
	if err != nil {
		return fmt.Errorf("the installed program: %w", err)
	}
	if e.at.To.SHA256 != "" && digest == e.at.To.SHA256 {
		if err := e.confirmed(); err != nil {
			return err
		}
		up, err := e.renew(ctx)
		if err == nil && e.halfway(ctx, stepRenew) {
			if err := e.Start(ctx); err != nil {
				up = false
				e.note("it is confirmed, but did not start again: " + err.Error())
			}
		}
		if isCut(err) {
			return err
		}
		_, err = e.end(ctx, Confirmed, "the process that ran the upgrade was killed after the last step", up)
		return err
	}
	up := true
	r, err := trial.Read(e.Record, e.Own)
	spoilt := err != nil && !errors.Is(err, fs.ErrNotExist) // no service follows such a record, and no other trial owns it
	if err == nil && r.ID == e.at.ID || spoilt || e.status(ctx).OnTrial || l.Last.Tried && e.halfway(ctx, stepBack) {
		if up, err = e.restore(ctx, l.Last.Tried); err != nil {
			e.note(err.Error())
		}
	}
	_, err = e.end(ctx, Interrupted, "the process that ran the upgrade was killed, or the machine stopped", up)
	return err
}

// halfway reports whether the upgrade was interrupted in the given step, after the stop and
// before the start of a restart. If the stop is still in progress, halfway waits for its end.
// It returns false if the machine has booted since, because the boot has started what is
// enabled.
func (e *Engine) halfway(ctx context.Context, step string) bool {
	c := e.at.Conductor
	thisBoot := slices.Contains(e.Boots(), c.Boot) && proc.Identity{Boot: c.Boot}.SameBoot(c) // on Windows all boots have the same name
	if !thisBoot || e.at.Step != step {
		return false
	}
	ctx, cancel := context.WithTimeoutCause(ctx, e.Restore, platform.ErrTimeout)
	defer cancel()
	for {
		if l := e.status(ctx); !l.Running || !l.Stopping || e.Sleep(ctx, statusEvery) != nil {
			return !l.Running
		}
	}
}

// Versions returns the known versions, after Recover or Run.
func (e *Engine) Versions() Ledger { return e.ledger }
