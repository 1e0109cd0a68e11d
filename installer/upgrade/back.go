package upgrade

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/holdfast-dev/holdfast/installer/trial"
	"github.com/holdfast-dev/holdfast/platform"
)

// back has the confirmed version run again, and pins the candidate: why is what was
// wrong with it. The end of ctx does not end it.
func (e *Engine) back(ctx context.Context, why error) (Attempt, error) {
	asked := e.at.Tried
	e.at.Step = "roll back"
	if err := e.before("roll back"); isCut(err) {
		return *e.at, err
	}
	_ = e.ledger.write(e.Ledger) // a full disk is no reason to stay
	var stopped errAsked
	errors.As(why, &stopped)
	up, err := e.restore(context.WithoutCancel(ctx), !stopped.stop)
	if isCut(err) {
		return *e.at, err
	}
	if err != nil {
		e.note(err.Error())
	}
	switch tries, err := trial.ReadTries(e.TriesFile, e.ID); {
	case ctx.Err() != nil || stopped.by != "": // that is not its fault
		e.discard()
		return e.end(Interrupted, why.Error(), up)
	case !asked:
		e.discard()
		return e.end(Refused, why.Error(), up)
	case err != nil || tries.Count > 0: // it had its chance
		e.ledger.pin(e.at.To, e.Now(), why.Error())
	}
	e.discard()
	return e.end(RolledBack, why.Error(), up)
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
			} else {
				last = e.Restart(ctx)
			}
			continue
		}
		if err := e.Sleep(ctx, statusEvery); err != nil {
			return false, fmt.Errorf("the version before is not ready: %w%s", err, prefixed(": ", l.Why))
		}
	}
}

func errOr(err error, text string) error {
	if err != nil {
		return err
	}
	return errors.New(text)
}

// Recover ends an upgrade whose conductor was killed, by the one fact that counts:
// what the stable path leads to. Nobody else may conduct one meanwhile.
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
	digest, err := Digest(e.Stable)
	if err != nil {
		return fmt.Errorf("the installed program: %w", err)
	}
	if e.at.To.SHA256 != "" && digest == e.at.To.SHA256 {
		if err := e.confirmed(); err != nil {
			return err
		}
		_, err = e.end(Confirmed, "who conducted it was killed behind the last step", true)
		return err
	}
	up := true
	r, err := trial.Read(e.Record, e.Own)
	if err == nil && r.ID == e.at.ID || e.status(ctx).OnTrial {
		if up, err = e.restore(ctx, l.Last.Tried); err != nil {
			e.note(err.Error())
		}
	}
	_, err = e.end(Interrupted, "who conducted it was killed, or the machine was", up)
	return err
}

// Versions is what is known of the versions, after Recover or Run.
func (e *Engine) Versions() Ledger { return e.ledger }
