package upgrade

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// A Status is the state of the service, as the lock, the manager and the state file show it
// together.
type Status struct {
	Running bool // a process runs, or is about to be restarted
	// Behind means that nothing runs, but the manager has not noticed yet that the process has
	// ended. It may be about to restart it, and may ignore a start until then.
	Behind  bool
	OnTrial bool // the running process is the candidate
	Kept    bool // the running process is the child of another version
	Failed  bool // nothing runs, although nobody requested a stop
	// Stopping means that a stop was requested, perhaps as part of a restart.
	Stopping bool
	Ready    bool
	Healthy  bool   // all health checks have been called, and none fails
	Why      string // what is wrong, or how the last run ended if not in order
	Mute     bool   // Why says nothing but the exit code, or that nothing is known
	Asked    string // who requested the stop, if the last run ended in order
	ReadyAt  time.Time
}

// A Machine is everything that an upgrade uses besides the files of the program.
type Machine struct {
	// Status queries the service during the trial with that id and that candidate file.
	Status  func(ctx context.Context, id, candidate string) Status
	Start   func(context.Context) error // returns when the service is ready
	Restart func(context.Context) error
	// Version asks a program for its version. Check asks whether it could start with the
	// current configuration. Both run the program as the service's user, for a limited time.
	Version func(ctx context.Context, program string) (string, error)
	Check   func(ctx context.Context, program string) error

	// Back returns the reason why the installed version could not start again with the current
	// configuration, as far as that is known. A nil Back means that it could.
	Back func(context.Context) error

	// Printed returns in one line what the service has printed about a panic since that time,
	// or "". A nil Printed means that there is never anything.
	Printed func(ctx context.Context, since time.Time) string

	// Others returns the other services that run another version of the same program. They are
	// not restarted. A nil Others means that there are none.
	Others func(context.Context) []string

	// Pinned returns why other machines have found that no machine should take the version with
	// that digest, or "". An error means that this is not known, and does not prevent the
	// upgrade. A nil Pinned means that there are no other machines.
	Pinned func(ctx context.Context, digest string) (why string, err error)

	// Known reports whether a service with that name exists (still). A nil Known means that it
	// does.
	Known func(service string) bool

	Boots    func() []string // see trial.Record
	Boottime func() (time.Duration, error)
	Now      func() time.Time
	Sleep    func(ctx context.Context, d time.Duration) error
	// Before is called before each step that changes something. The step fails with its error.
	// A nil Before does nothing.
	Before func(step string) error
}

// Options say which program is to be replaced, by which one, and how.
type Options struct {
	ID      string // of the upgrade; unique
	Service string // name or name@instance
	Manager string // name of the manager that starts it, as from native.Starter; empty: unknown
	Own     bool   // it is a user's own service
	By      string // who requested the upgrade, for people

	Stable    string // absolute path of the program that the manager starts
	Source    string // path of the new version; empty: the previous version
	SHA256    string // required digest of Source, in hexadecimal; empty: any
	Key       string // public key that must have signed Source, in base64; empty: no signature is required
	Ledger    string // path
	Record    string // path of the record of the trial
	TriesFile string
	Config    string // path of the configuration, which is backed up; empty: there is none

	Settle  time.Duration // how long the candidate has to be ready and healthy
	Tries   int           // how often it may be executed until then; 0: once
	Again   bool          // restart it when it has settled, and let it settle again
	Timeout time.Duration // for the whole trial
	Restore time.Duration // for a rollback
	// Force allows a version that failed before, and a trial without a way back (see
	// Machine.Back).
	Force bool
}

// An Engine conducts upgrades of one program through one service. Only one may do so at a
// time: the caller holds the program's lock for that purpose.
type Engine struct {
	Machine
	Options

	ledger Ledger
	at     *Attempt
	away   time.Time // when the service was last ready: at the request to restart, or at a query; zero before the first restart
}

// errCut ends an upgrade immediately, as a power failure does. In tests, Before returns it.
var errCut = errors.New("cut off")

func isCut(err error) bool { return errors.Is(err, errCut) }

// Run conducts the whole upgrade and returns its outcome, which is also in the ledger. The
// error says why the outcome could not be recorded; the outcome is valid nevertheless. The end
// of ctx ends the trial, but not the rollback.
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
		return e.end(ctx, Unchanged, "it is already the confirmed version", true)
	case err != nil:
		return e.end(ctx, Refused, err.Error(), true)
	}
	if !wanted {
		if err := e.confirm(candidate); err != nil {
			return e.unconfirmed(ctx, err, true)
		}
		return e.end(ctx, Confirmed, "the service was stopped and stays stopped: the version was checked, but not tried", true)
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

// Refuse records in the ledger that nothing was done, and why. It does nothing if the ledger
// has an interrupted upgrade, whose record is still needed.
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

// unconfirmed ends an upgrade that could not be confirmed, and had no trial.
func (e *Engine) unconfirmed(ctx context.Context, err error, up bool) (Attempt, error) {
	if isCut(err) {
		return *e.at, err
	}
	e.discard()
	return e.end(ctx, Refused, err.Error(), up)
}

// step records the step that is about to begin.
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

// end records the outcome.
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
