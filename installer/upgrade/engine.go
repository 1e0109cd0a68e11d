package upgrade

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// Status is how the service stands, by lock, manager and state file together.
type Status struct {
	Running bool // a process runs, or is about to be started again
	OnTrial bool // what runs is the candidate
	Kept    bool // what runs is the child of a process of another version
	Failed  bool // nothing runs, and not because it was asked to end
	// Stopping means that it was asked to end, maybe to be started again.
	Stopping bool
	Ready    bool
	Healthy  bool   // each health check was called, and none fails
	Why      string // what is wrong, or how the last run ended, where that was not in order
	Mute     bool   // Why is no more than its exit code, or that nothing is known
	Asked    string // who asked for its end, where the last run ended in order
	ReadyAt  time.Time
}

// Machine is all that an upgrade reaches besides the files of the program.
type Machine struct {
	// Status queries the service for the trial of that id, whose candidate is that file.
	Status  func(ctx context.Context, id, candidate string) Status
	Start   func(context.Context) error // returns when it is ready
	Restart func(context.Context) error
	// Version asks a program for its version, and Check whether it could start with
	// today's configuration: both as the service's user, and bounded.
	Version func(ctx context.Context, program string) (string, error)
	Check   func(ctx context.Context, program string) error

	// Back is why the installed version could not start again with today's configuration,
	// where that is known. Nil: it could.
	Back func(context.Context) error

	// Printed is what the service has printed since that time of a panic, in one line;
	// empty where there is nothing. Nil: there is not.
	Printed func(ctx context.Context, since time.Time) string

	// Others are the other services of the same program that run, and another version of
	// it: they are not restarted. Nil: there are none.
	Others func(context.Context) []string

	// Known reports whether there is (still) a service of that name. Nil: there is.
	Known func(service string) bool

	Boots    func() []string // see trial.Record
	Boottime func() (time.Duration, error)
	Now      func() time.Time
	Sleep    func(ctx context.Context, d time.Duration) error
	// Before is called before each step that changes something; that step fails by its
	// error. Nil: nothing does.
	Before func(step string) error
}

// Options say what is to take the place of what.
type Options struct {
	ID      string // of the upgrade: no other has had it
	Service string // name or name@instance
	Manager string // that starts it, as native.Starter has it; empty: it does not tell
	Own     bool   // of a user's own service
	By      string // who asked, for people

	Stable    string // what the manager starts, absolute
	Source    string // the program that is to take its place; empty: the version before
	SHA256    string // that it has to have, in hexadecimal; empty: any
	Key       string // by which Source has to be signed, in base64; empty: it need not be
	Ledger    string // path
	Record    string // path of the record of the trial
	TriesFile string
	Config    string // path of the configuration, of which a copy is taken; empty: there is none

	Settle  time.Duration // how long it has to be ready and healthy
	Tries   int           // how often it may be executed for that; 0: once
	Again   bool          // restart it once more when it has settled, and have it settle again
	Timeout time.Duration // for the whole trial
	Restore time.Duration // for the way back
	// Force is for a version that failed before, and for a trial that cannot be taken
	// back, see Machine.Back.
	Force bool
}

// Engine conducts upgrades of one program, by way of one service. One at a time may do
// so: whoever calls it holds the program's lock for that.
type Engine struct {
	Machine
	Options

	ledger Ledger
	at     *Attempt
	away   time.Time // when it was last ready: asked to restart, or seen; zero before the first restart
}

// errCut ends an upgrade there and then, as a power cut does: tests have Before return it.
var errCut = errors.New("cut off")

func isCut(err error) bool { return errors.Is(err, errCut) }

// Run does the whole of it and returns what it has come to, which the ledger says as
// well. The error says why that could not be written down; what has come is so all
// the same. The end of ctx ends the trial, and not the way back.
func (e *Engine) Run(ctx context.Context) (Attempt, error) {
	if err := e.Recover(ctx); err != nil {
		return Attempt{ID: e.ID, Result: Refused, Reason: err.Error(), Up: true}, err
	}
	self, _ := proc.Self()
	e.at = &Attempt{ID: e.ID, Service: e.Service, Back: e.Source == "", By: e.By, Since: e.Now(), Conductor: self}
	e.ledger.Last = e.at
	e.sweep()
	candidate, wanted, err := e.prepare(ctx)
	switch {
	case isCut(err):
		return *e.at, err
	case errors.Is(err, errUnchanged):
		return e.end(ctx, Unchanged, "it is the confirmed version already", true)
	case err != nil:
		return e.end(ctx, Refused, err.Error(), true)
	}
	if !wanted {
		if err := e.confirm(candidate); err != nil {
			return e.unconfirmed(ctx, err, true)
		}
		return e.end(ctx, Confirmed, "the service was stopped, and stays so: it was checked, and not tried", true)
	}
	if err := e.try(ctx, candidate); err != nil {
		if isCut(err) {
			return *e.at, err
		}
		return e.back(ctx, err)
	}
	if err := e.confirm(candidate); err != nil {
		if isCut(err) {
			return *e.at, err
		}
		return e.back(ctx, unconfirmedError{err})
	}
	up, err := e.renew(context.WithoutCancel(ctx))
	if isCut(err) {
		return *e.at, err
	}
	return e.end(ctx, Confirmed, "", up)
}

// Refuse notes that nothing is done, and why: for whoever follows the ledger. Of an
// upgrade that was interrupted it keeps what is known.
func (e *Engine) Refuse(ctx context.Context, why error) error {
	l, err := ReadLedger(e.Ledger)
	if err != nil || l.Last != nil && l.Last.Result == "" {
		return err
	}
	self, _ := proc.Self()
	e.ledger, e.at = l, &Attempt{ID: e.ID, Service: e.Service, Back: e.Source == "", By: e.By, Since: e.Now(), Conductor: self}
	e.ledger.Last = e.at
	_, err = e.end(ctx, Refused, why.Error(), true)
	return err
}

// unconfirmed is the end of one that could not be confirmed, and was never tried.
func (e *Engine) unconfirmed(ctx context.Context, err error, up bool) (Attempt, error) {
	if isCut(err) {
		return *e.at, err
	}
	e.discard()
	return e.end(ctx, Refused, err.Error(), up)
}

// step notes what is about to be done.
func (e *Engine) step(name string) error {
	if err := e.before(name); err != nil {
		return err
	}
	e.at.Step = name
	return e.ledger.write(e.Ledger)
}

func (e *Engine) before(step string) error {
	if e.Before == nil {
		return nil
	}
	return e.Before(step)
}

// end writes down what it has come to.
func (e *Engine) end(ctx context.Context, r Result, reason string, up bool) (Attempt, error) {
	failed := e.before("end")
	if isCut(failed) {
		return *e.at, failed
	}
	e.at.Result, e.at.Reason, e.at.Up, e.at.Ended = r, reason, up, e.Now()
	if r == Confirmed && e.Others != nil {
		e.at.Others = e.Others(context.WithoutCancel(ctx))
	}
	if failed != nil {
		return *e.at, failed
	}
	return *e.at, e.ledger.write(e.Ledger)
}
