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
)

// statusEvery is the time between two queries of the service.
const statusEvery = 100 * time.Millisecond

// status queries the service. It adds to Downtime the time between two queries that find the
// service ready in which it was not ready.
func (e *Engine) status(ctx context.Context) Status {
	l := e.Status(ctx, e.at.ID, e.at.To.Path)
	if l.Ready && !e.away.IsZero() {
		now := e.Now()
		if at := cmp.Or(l.ReadyAt, now); at.After(e.away) {
			e.at.Downtime += at.Sub(e.away)
			e.away = at
		}
		if now.After(e.away) {
			e.away = now
		}
	}
	return l
}

// try runs the candidate until it has settled, and with Again a second time. Its error is the
// reason for a rollback.
func (e *Engine) try(ctx context.Context, candidate string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, e.Timeout, platform.ErrTimeout)
	defer cancel()
	defer func() {
		if tries, err := trial.ReadTries(e.TriesFile, e.ID); err == nil {
			e.at.Tries = tries.Count
		}
	}()
	r, err := e.begin(ctx, candidate)
	if err != nil {
		return err
	}
	readyAt, err := e.run(ctx, "restart", "trial", time.Time{})
	if err != nil || !e.Again {
		return err
	}
	if err := e.before("allow for the restart"); err != nil {
		return err
	}
	r.Tries++ // this restart is not a failure
	if err := trial.Write(e.Record, r); err != nil {
		return err
	}
	_, err = e.run(ctx, "restart it again", "second trial", readyAt)
	return err
}

// run restarts the service and waits until it has settled. It returns when the candidate
// became ready. before is the ready time of the process that runs until the restart.
func (e *Engine) run(ctx context.Context, restart, trial string, before time.Time) (readyAt time.Time, err error) {
	// Record it first. If this process is killed between the stop and the start, nothing else
	// says that the service is to run.
	tried := e.at.Tried
	e.at.Tried = true
	if err := e.step(restart); err != nil {
		e.at.Tried = tried
		return time.Time{}, err
	}
	e.away = e.Now()
	failed := e.Restart(ctx)
	for n := 1; failed != nil && n < restores && e.untouched(ctx); n++ { // somebody else was restarting it
		if e.Sleep(ctx, restartEvery) != nil {
			break
		}
		failed = e.Restart(ctx)
	}
	e.at.Step = trial
	_ = e.ledger.write(e.Ledger) // a full disk must not end a trial
	return e.settle(ctx, failed, before)
}

// restartEvery is the time before a restart is requested again after the manager has refused
// it.
const restartEvery = time.Second

// untouched reports whether the confirmed version runs as if no restart had been requested.
func (e *Engine) untouched(ctx context.Context) bool {
	tries, err := trial.ReadTries(e.TriesFile, e.ID)
	l := e.status(ctx)
	return err == nil && tries.Count == 0 && tries.Why == "" && l.Ready && !l.OnTrial && !l.Stopping
}

// settle waits until the candidate has been ready and healthy for as long as it must.
func (e *Engine) settle(ctx context.Context, restart error, before time.Time) (readyAt time.Time, err error) {
	var since time.Time // since when it is ready and healthy
	gone, served := 0, false
	for {
		asked := e.Now() // the answer may come late, and says nothing about the time after this
		switch l := e.status(ctx); {
		case ctx.Err() != nil: // the result of an interrupted query is worthless
		case l.Behind:
			gone, since = 0, time.Time{}
		case l.OnTrial && l.Ready && !before.IsZero() && l.ReadyAt.Equal(before): // the restart has not happened yet
		case l.OnTrial && l.Ready:
			gone, served = 0, true
			if !l.Healthy {
				since = time.Time{}
				break
			}
			if since.IsZero() || !l.ReadyAt.Equal(readyAt) { // it may have been restarted between two queries
				since, readyAt = e.Now(), l.ReadyAt
			}
			if asked.Sub(since) >= e.Settle {
				return readyAt, nil
			}
		case served && !l.OnTrial && l.Asked != "" && (l.Ready || !l.Running):
			return readyAt, errAsked{l.Asked, !l.Running}
		case l.Ready: // the confirmed version has taken over, or runs still
			return readyAt, e.whyNot(ctx, restart, l)
		case !l.Running:
			if gone++; gone > 1 { // a single query may fall between two processes
				return readyAt, e.whyNot(ctx, restart, l)
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
			return readyAt, fmt.Errorf("%s: %w%s", what, err, behind(l.Why))
		}
	}
}

// An errAsked means that somebody stopped or restarted the service during its trial. That is
// not the candidate's fault, and a stopped service stays stopped.
type errAsked struct {
	by   string
	stop bool
}

func (e errAsked) Error() string { return "it was on trial when the service was " + e.by }

func behind(s string) string {
	if s == "" {
		return ""
	}
	return ": " + s
}

// giveWay returns the time after which a candidate gives way on its own. It includes all the
// time that the conductor has for a rollback. If the candidate gave way earlier, its manager
// could still be waiting for its end, and would then kill the confirmed version.
func (e *Engine) giveWay() time.Duration { return e.Timeout + e.Restore }

// begin writes the record of the trial. From then on each start of the service runs the
// candidate.
func (e *Engine) begin(ctx context.Context, candidate string) (r trial.Record, err error) {
	if err := e.step("begin the trial"); err != nil {
		return r, err
	}
	info, err := os.Lstat(candidate)
	if err != nil {
		return r, err
	}
	now, err := e.Boottime()
	if err != nil {
		return r, err
	}
	tries := max(e.Tries, 1)
	if !e.status(context.WithoutCancel(ctx)).Ready { // the manager may start it before our restart, which ends that try
		tries++
	}
	r = trial.Record{
		ID: e.ID, Service: e.Service, Manager: e.Manager, Candidate: candidate, Size: info.Size(), SHA256: e.at.To.SHA256,
		Version: e.at.To.Version, From: e.at.From.Version, Stable: e.Stable, Boots: e.Boots(),
		Deadline: now + e.giveWay(), Tries: tries, TriesFile: e.TriesFile, Since: e.at.Since, By: e.By,
	}
	r.Device, r.Inode, _ = trial.Place(info) // Windows identifies the file by its digest alone
	return r, trial.Write(e.Record, r)
}

// whyNot explains, as far as is known, why the candidate does not run.
func (e *Engine) whyNot(ctx context.Context, restart error, l Status) error {
	tries, err := trial.ReadTries(e.TriesFile, e.ID)
	switch {
	case err == nil && tries.Count == 0 && tries.Why != "":
		return fmt.Errorf("it was not executed: %s", tries.Why)
	case err == nil && tries.Count == 0 && restart != nil:
		return fmt.Errorf("the service could not be restarted: %w", restart)
	case err == nil && tries.Count == 0 && l.Ready:
		return errors.New("the installed program did not hand over to it: it was built without `upgrade`, or was not restarted")
	case l.Why != "" && !l.Mute:
		return errors.New(l.Why)
	}
	if e.Printed != nil {
		if printed := e.Printed(ctx, e.at.Since); printed != "" {
			return errors.New(printed)
		}
	}
	switch {
	case l.Why != "":
		return errors.New(l.Why)
	case err == nil && tries.Why != "":
		return errors.New(tries.Why)
	case restart != nil:
		return restart
	}
	return errors.New("it ended")
}
