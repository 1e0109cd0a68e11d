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

// The steps in which the service is restarted and nothing but the ledger says so.
const (
	stepBack  = "roll back"
	stepRenew = "restart from its path"
)

// back has the confirmed version run again, and pins the candidate: why is what was
// wrong with it. The end of ctx does not end it.
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
	_ = e.ledger.write(e.Ledger) // a full disk is no reason to stay
	up, err := e.restore(context.WithoutCancel(ctx), !stopped.stop)
	if isCut(err) {
		return *e.at, err
	}
	if err != nil {
		e.note(err.Error())
	}
	replaced := errors.Is(why, errReplaced)
	if replaced { // that is confirmed from now on
		if err := e.confirmedVersion(context.WithoutCancel(ctx)); err != nil {
			e.note(err.Error())
		}
	}
	unconfirmed := errors.As(why, new(unconfirmedError))
	switch tries, err := trial.ReadTries(e.TriesFile, e.ID); {
	case ctx.Err() != nil || stopped.by != "" || replaced && asked || unconfirmed: // that is not its fault
		e.discard()
		return e.end(ctx, Interrupted, why.Error(), up)
	case !asked:
		e.discard()
		return e.end(ctx, Refused, why.Error(), up)
	case err != nil || tries.Count > 0: // it had its chance
		e.ledger.pin(e.at.To, e.Now(), why.Error())
	}
	e.discard()
	return e.end(ctx, RolledBack, why.Error(), up)
}

// discard removes the candidate, unless it is one of the versions that are kept.
func (e *Engine) discard() {
	if !slices.ContainsFunc(e.ledger.Kept, func(v Version) bool { return v.SHA256 == e.at.To.SHA256 }) {
		drop(e.Stable, e.at.To.Path)
	}
	e.at.To.Path = ""
}

// restores is how often a service that does not come up is asked to.
const restores = 3

// restore ends the trial and has the confirmed version run, if the candidate does or,
// where start is set, nobody. up reports whether it is as it should be in the end.
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
	if err := e.before("restart the version before"); isCut(err) {
		return false, err
	}
	asked := 0
	var last error
	for {
		l := e.status(ctx)
		switch {
		case l.Ready && !l.OnTrial, !l.Running && !start:
			return true, nil
		case l.OnTrial, !l.Running:
			if asked == restores {
				return false, fmt.Errorf("the version before does not come up: %w", errOr(last, l.Why))
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
			return false, fmt.Errorf("the version before is not ready: %w%s", err, behind(l.Why))
		}
	}
}

func errOr(err error, text string) error {
	if err != nil {
		return err
	}
	return errors.New(text)
}

// ElsewhereError means that an upgrade of the program was cut off that was tried by way
// of another service: it is to be ended by way of that.
type ElsewhereError struct{ Service string }

func (e *ElsewhereError) Error() string {
	return fmt.Sprintf("an upgrade of the same program by way of %q was cut off", e.Service)
}

// Recover ends an upgrade whose conductor was killed, by the one fact that counts:
// what the stable path leads to. Nobody else may conduct one meanwhile. The error is an
// [*ElsewhereError] where it was by way of another service.
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
				e.note("it is confirmed, and did not come up again: " + err.Error())
			}
		}
		if isCut(err) {
			return err
		}
		_, err = e.end(ctx, Confirmed, "whoever conducted it was killed after the last step", up)
		return err
	}
	up := true
	r, err := trial.Read(e.Record, e.Own)
	spoilt := err != nil && !errors.Is(err, fs.ErrNotExist) // nobody follows it, and it is nobody else's
	if err == nil && r.ID == e.at.ID || spoilt || e.status(ctx).OnTrial || l.Last.Tried && e.halfway(ctx, stepBack) {
		if up, err = e.restore(ctx, l.Last.Tried); err != nil {
			e.note(err.Error())
		}
	}
	_, err = e.end(ctx, Interrupted, "whoever conducted it was killed, or the machine was", up)
	return err
}

// halfway reports whether an upgrade was cut off in that step between the stop and the
// start of a restart; where the stop goes on it waits for its end. A boot since has made up
// for that, if anything should.
func (e *Engine) halfway(ctx context.Context, step string) bool {
	c := e.at.Conductor
	thisBoot := slices.Contains(e.Boots(), c.Boot) && proc.Identity{Boot: c.Boot}.SameBoot(c) // by the name alone Windows knows none
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

// Versions is what is known of the versions, after Recover or Run.
func (e *Engine) Versions() Ledger { return e.ledger }
