package upgrade

import (
	"errors"
	"fmt"

	"github.com/holdfast-dev/holdfast/installer/trial"
)

// errReplaced means that somebody else, for example a package manager, has replaced the
// confirmed version. The replacement then counts as confirmed.
var errReplaced = errors.New("the installed program was replaced in the meantime")

// An unconfirmedError means that the trial succeeded, but the candidate could not be moved to
// the stable path, for example because the disk is full. That is not the candidate's fault.
type unconfirmedError struct{ error }

func (e unconfirmedError) Unwrap() error { return e.error }

// unreplaced returns an error unless the program at the stable path is still the one from the
// beginning of the upgrade.
func (e *Engine) unreplaced() error {
	digest, err := Digest(e.Stable)
	if err != nil || digest != e.at.From.SHA256 {
		return errors.Join(errReplaced, err)
	}
	return nil
}

// confirm moves the candidate to the stable path.
func (e *Engine) confirm(candidate string) error {
	if err := e.step("keep the previous version"); err != nil {
		return err
	}
	old := e.at.From
	var err error
	if old.Path, err = e.keep(old); err != nil {
		return fmt.Errorf("keep the previous version: %w", err)
	}
	if kept, err := Digest(old.Path); err != nil || kept != old.SHA256 {
		drop(e.Stable, old.Path)
		return errors.Join(errReplaced, err)
	}
	e.at.From = old
	if err := e.step("confirm"); err != nil {
		return err
	}
	if err := e.unreplaced(); err != nil {
		return err
	}
	if err := e.swap(candidate); err != nil {
		return fmt.Errorf("confirm: %w", err)
	}
	return e.confirmed()
}

// confirmed records the confirmation. The stable path has decided it already, so no failure
// here undoes it.
func (e *Engine) confirmed() error {
	if err := e.before("note it"); isCut(err) {
		return err
	}
	e.at.To.Since = e.Now()
	for _, v := range e.ledger.confirm(e.at.To, e.at.From) {
		drop(e.Stable, v.Path)
	}
	if err := e.ledger.write(e.Ledger); err != nil {
		e.note(err.Error())
	}
	err := e.before("end the trial")
	if err == nil {
		err = trial.Remove(e.Record)
	}
	if isCut(err) {
		return err
	}
	if err != nil {
		e.note(err.Error())
	}
	return nil
}
