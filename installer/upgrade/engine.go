package upgrade

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/holdfast-dev/holdfast/installer/trial"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// Status is how the service stands, by lock, manager and state file together.
type Status struct {
	Running bool // somebody runs, or is about to be started again
	OnTrial bool // and that is the candidate
	Failed  bool // nobody does, and not because it was asked to end
	Ready   bool
	Healthy bool   // no health check fails
	Why     string // what is wrong, or how the last run ended, where that was not in order
	Asked   string // who asked for its end, where the last run ended in order
	ReadyAt time.Time
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
	Timeout time.Duration // for the whole trial
	Restore time.Duration // for the way back
	Force   bool          // also a version that failed before
}

// Engine conducts upgrades of one service. One at a time may do so: whoever calls it
// holds the service's lock for that.
type Engine struct {
	Machine
	Options

	ledger Ledger
	at     *Attempt
}

// errCut ends an upgrade there and then, as a power cut does: tests have Before return it.
var errCut = errors.New("cut off")

func isCut(err error) bool { return errors.Is(err, errCut) }

// statusEvery is how often the service is queried.
const statusEvery = 100 * time.Millisecond

// grace is how much later than the conductor the candidate itself gives up.
const grace = 15 * time.Second

// Run does the whole of it and returns what it has come to, which the ledger says as
// well. The error says why that could not be written down; what has come is so all
// the same. The end of ctx ends the trial, and not the way back.
func (e *Engine) Run(ctx context.Context) (Attempt, error) {
	if err := e.Recover(ctx); err != nil {
		return Attempt{ID: e.ID, Result: Refused, Reason: err.Error(), Up: true}, err
	}
	self, _ := proc.Self()
	e.at = &Attempt{ID: e.ID, Back: e.Source == "", By: e.By, Since: e.Now(), Conductor: self}
	e.ledger.Last = e.at
	sweep(e.Stable)
	candidate, wanted, err := e.prepare(ctx)
	switch {
	case isCut(err):
		return *e.at, err
	case errors.Is(err, errUnchanged):
		return e.end(Unchanged, "it is the confirmed version already", true)
	case err != nil:
		return e.end(Refused, err.Error(), true)
	}
	if !wanted {
		if err := e.confirm(candidate); err != nil {
			return e.unconfirmed(err, true)
		}
		return e.end(Confirmed, "the service was stopped, and stays so: it was checked, and not tried", true)
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
		return e.back(ctx, err)
	}
	return e.end(Confirmed, "", true)
}

// Refuse notes that nothing is done, and why: for who follows the ledger. Of an
// upgrade that was interrupted it keeps what is known.
func (e *Engine) Refuse(why error) error {
	l, err := ReadLedger(e.Ledger)
	if err != nil || l.Last != nil && l.Last.Result == "" {
		return err
	}
	self, _ := proc.Self()
	e.ledger, e.at = l, &Attempt{ID: e.ID, Back: e.Source == "", By: e.By, Since: e.Now(), Conductor: self}
	e.ledger.Last = e.at
	_, err = e.end(Refused, why.Error(), true)
	return err
}

// unconfirmed is the end of one that could not be confirmed, and was never tried.
func (e *Engine) unconfirmed(err error, up bool) (Attempt, error) {
	if isCut(err) {
		return *e.at, err
	}
	return e.end(Refused, err.Error(), up)
}

// step notes what is about to be done.
func (e *Engine) step(name string) error {
	if err := e.before(name); err != nil {
		return err
	}
	e.at.Step = name
	return e.ledger.write(e.Ledger)
}

func (e *Engine) status(ctx context.Context) Status { return e.Status(ctx, e.at.ID, e.at.To.Path) }

// try has the candidate run, until it has been ready and healthy for as long as it
// must. Its error says why it is to be rolled back.
func (e *Engine) try(ctx context.Context, candidate string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, e.Timeout, platform.ErrTimeout)
	defer cancel()
	if err := e.begin(candidate); err != nil {
		return err
	}
	if err := e.step("restart"); err != nil {
		return err
	}
	e.at.Tried = true
	asked := e.Now()
	restart := e.Restart(ctx)
	e.at.Step = "trial"
	_ = e.ledger.write(e.Ledger) // a full disk does not end a trial
	var since time.Time          // ready and healthy
	gone, served := 0, false
	for {
		switch l := e.status(ctx); {
		case l.OnTrial && l.Ready:
			gone, served = 0, true
			if e.at.Downtime == 0 {
				e.at.Downtime = max(cmp.Or(l.ReadyAt, e.Now()).Sub(asked), 1)
			}
			if !l.Healthy {
				since = time.Time{}
				break
			}
			if since.IsZero() {
				since = e.Now()
			}
			if e.Now().Sub(since) >= e.Settle {
				return nil
			}
		case served && !l.OnTrial && l.Asked != "" && (l.Ready || !l.Running):
			return errAsked{l.Asked, !l.Running}
		case l.Ready: // the confirmed version has taken over, or was never left
			return e.whyNot(restart, l)
		case !l.Running:
			if gone++; gone > 1 { // one query may fall between two processes
				return e.whyNot(restart, l)
			}
		default:
			gone, since = 0, time.Time{}
		}
		if err := e.Sleep(ctx, statusEvery); err != nil {
			l := e.status(context.WithoutCancel(ctx))
			what := "it was not ready"
			if l.OnTrial && l.Ready {
				what = "it was not healthy for long enough"
			}
			return fmt.Errorf("%s: %w%s", what, err, prefixed(": ", l.Why))
		}
	}
}

// errAsked means that somebody had the service stopped, or restarted, in the middle of
// its trial: that is nobody's fault, and a stop stays one.
type errAsked struct {
	by   string
	stop bool
}

func (e errAsked) Error() string { return "it was on trial when the service was " + e.by }

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// begin writes the record, after which each start of the service is the candidate's.
func (e *Engine) begin(candidate string) error {
	if err := e.step("begin the trial"); err != nil {
		return err
	}
	info, err := os.Lstat(candidate)
	if err != nil {
		return err
	}
	now, err := e.Boottime()
	if err != nil {
		return err
	}
	r := trial.Record{
		ID: e.ID, Service: e.Service, Candidate: candidate, Size: info.Size(), SHA256: e.at.To.SHA256,
		Version: e.at.To.Version, From: e.at.From.Version, Stable: e.Stable, Boots: e.Boots(),
		Deadline: now + e.Timeout + grace, Tries: 1, TriesFile: e.TriesFile, Since: e.at.Since, By: e.By,
	}
	var ok bool
	if r.Device, r.Inode, ok = trial.Place(info); !ok {
		return fmt.Errorf("trial: %w", errors.ErrUnsupported)
	}
	return trial.Write(e.Record, r)
}

// whyNot says, as well as is known, why the candidate does not run.
func (e *Engine) whyNot(restart error, l Status) error {
	tries, err := trial.ReadTries(e.TriesFile, e.ID)
	switch {
	case err == nil && tries.Count == 0 && tries.Why != "":
		return fmt.Errorf("it was not executed: %s", tries.Why)
	case err == nil && tries.Count == 0 && restart != nil:
		return fmt.Errorf("the service could not be restarted: %w", restart)
	case err == nil && tries.Count == 0 && l.Ready:
		return errors.New("the installed program did not give way to it: it was built without `upgrade`, or not restarted")
	case l.Why != "":
		return errors.New(l.Why)
	case restart != nil:
		return restart
	}
	return errors.New("it ended")
}

// confirm has the candidate take the stable path.
func (e *Engine) confirm(candidate string) error {
	if err := e.step("keep the version before"); err != nil {
		return err
	}
	old := e.at.From
	var err error
	if old.Path, err = e.keep(old); err != nil {
		return fmt.Errorf("keep the version before: %w", err)
	}
	e.at.From = old
	if err := e.step("confirm"); err != nil {
		return err
	}
	if err := e.swap(candidate); err != nil {
		return fmt.Errorf("confirm: %w", err)
	}
	return e.confirmed()
}

// confirmed notes what the stable path says already; nothing that fails here takes it back.
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

func (e *Engine) before(step string) error {
	if e.Before == nil {
		return nil
	}
	return e.Before(step)
}

// end writes down what it has come to.
func (e *Engine) end(r Result, reason string, up bool) (Attempt, error) {
	failed := e.before("end")
	if isCut(failed) {
		return *e.at, failed
	}
	e.at.Result, e.at.Reason, e.at.Up, e.at.Ended = r, reason, up, e.Now()
	if failed != nil {
		return *e.at, failed
	}
	return *e.at, e.ledger.write(e.Ledger)
}
