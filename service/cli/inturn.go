package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/installer/rollout"
	"github.com/holdfast-dev/holdfast/installer/upgrade"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service"
)

const (
	// reportFor limits how long the outcome of a turn is tried to be reported.
	reportFor = 2 * time.Minute
	// handBackFor limits how long a command that was interrupted tries to give a turn back.
	handBackFor = 5 * time.Second
	// pinnedFor limits the question whether other machines have rolled a version back.
	pinnedFor = 10 * time.Second
)

// A turn is an upgrade of this machine among those of its cluster.
type turn struct {
	*app
	cmd   *cobra.Command
	t     *target
	verb  string
	file  string // empty: the previous version
	f     upgradeFlags
	party *rollout.Party
}

// upgradeInTurn is upgrade for one of the machines of a cluster. It waits for its turn, and
// then for the others, because a version that fails on one of them does not stay here.
func (a *app) upgradeInTurn(cmd *cobra.Command, t *target, verb, file string, f upgradeFlags) error {
	failed := func(err error) error { return fmt.Errorf("%s %q: %w", verb, t.id, err) }
	if err := t.noOtherUpgrade(cmd.Context(), ""); err != nil {
		return failed(err)
	}
	roster, machine, err := t.cfg.Roster(cmd.Context())
	if err != nil {
		return failed(err)
	}
	defer func() { _ = roster.Close() }()
	u := &turn{app: a, cmd: cmd, t: t, verb: verb, file: file, f: f, party: &rollout.Party{Options: rollout.Options{
		Roster: roster, Machine: machine, By: whoAsks(), Rules: f.turn.rules, Force: f.force, Member: memberOf,
		Waits: func(text string) { fmt.Fprintf(notes(cmd), "- waits: %s\n", oneLine(text)) },
		Notes: func(text string) { fmt.Fprintf(notes(cmd), "- %s\n", oneLine(text)) },
	}}}
	ctx, cancel := context.WithTimeoutCause(cmd.Context(), f.turn.timeout, platform.ErrTimeout)
	defer cancel()
	if file == "" {
		err = u.back(ctx)
	} else {
		err = u.forth(ctx)
	}
	if err != nil {
		return failed(err)
	}
	return nil
}

// memberOf reads what a machine shows of itself.
func memberOf(entry []byte) rollout.Member {
	s, err := state.Parse(entry)
	if err != nil {
		return rollout.Member{}
	}
	m := rollout.Member{Version: s.Version, Ready: s.Ready(), Leader: s.Cluster != nil && s.Cluster.Role == state.RoleLeader}
	for _, h := range s.Health {
		m.Ready = m.Ready && h.OK
	}
	return m
}

// forth upgrades this machine in its turn. If another machine stops the rollout later, it goes
// back.
func (u *turn) forth(ctx context.Context) error {
	digest, err := upgrade.Digest(u.file)
	if err != nil {
		return err
	}
	u.party.SHA256 = digest
	own, err := u.party.Join(ctx)
	if errors.Is(err, rollout.ErrOther) {
		err = &classedError{err, platform.ExitAlreadyRunning}
	}
	if err != nil {
		return err
	}
	done, upgraded, err := u.resume(own)
	if err == nil && !upgraded && own != nil && own.State == rollout.Upgrading { // it was never begun
		err = u.report(own.ID, rollout.Outcome{State: rollout.Cut})
	}
	if err == nil && !upgraded {
		done, err = u.take(ctx)
	}
	if err == nil {
		err = outcome(done)
	}
	if err != nil {
		return err
	}
	return u.finish(ctx, done)
}

// resume returns the outcome of an earlier command here that has begun the machine's turn, or
// whether there is none.
func (u *turn) resume(own *rollout.Turn) (done upgrade.Attempt, upgraded bool, err error) {
	if own == nil || own.State != rollout.Upgrading && own.State != rollout.Confirmed {
		return done, false, nil
	}
	path, err := u.t.ledger()
	if err != nil {
		return done, false, err
	}
	l, err := upgrade.ReadLedger(path)
	if err != nil || l.Last == nil || l.Last.ID != own.ID {
		return done, false, err
	}
	if own.State == rollout.Confirmed {
		return *l.Last, true, nil
	}
	if done, err = u.follow(u.cmd, u.t, own.ID); err != nil {
		return done, false, err
	}
	return done, true, u.report(own.ID, outcomeOfTurn(false, done))
}

// take waits for the turn, and upgrades.
func (u *turn) take(ctx context.Context) (done upgrade.Attempt, err error) {
	if u.f.conduct, err = newUpgradeID(u.t.Now()); err != nil {
		return done, err
	}
	if err := u.party.Take(ctx, u.f.conduct); err != nil {
		u.handBack(rollout.Cut, err)
		return done, err
	}
	return u.perform(u.file)
}

// handBack gives a turn back that was perhaps taken by a request whose answer did not arrive
// before the wait ended. Otherwise it changes nothing.
func (u *turn) handBack(s rollout.State, why error) {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(u.cmd.Context()), handBackFor, platform.ErrTimeout)
	defer cancel()
	_ = u.party.Report(ctx, u.f.conduct, rollout.Outcome{State: s, Why: why.Error()})
}

// perform upgrades in the turn that was taken for u.f.conduct, and reports the outcome.
func (u *turn) perform(file string) (upgrade.Attempt, error) {
	verb, undone := u.verb, rollout.Cut
	if file == "" {
		verb, undone = "rollback", rollout.Confirmed
		returned, err := u.returned()
		if err != nil {
			return upgrade.Attempt{}, errors.Join(err, u.report(u.f.conduct, rollout.Outcome{State: undone, Why: err.Error()}))
		}
		if returned {
			return upgrade.Attempt{Result: upgrade.Unchanged, Up: true, To: u.confirmed()}, u.report(u.f.conduct, rollout.Outcome{State: rollout.Returned})
		}
	}
	done, begun, err := u.app.perform(u.cmd, u.t, verb, file, u.f)
	switch {
	case err != nil && begun: // it continues, and its conductor reports the outcome
		return done, err
	case err != nil:
		return done, errors.Join(err, u.report(u.f.conduct, rollout.Outcome{State: undone, Why: err.Error()}))
	}
	return done, u.report(u.f.conduct, outcomeOfTurn(file == "", done))
}

// confirmed returns the installed version.
func (u *turn) confirmed() upgrade.Version {
	path, err := u.t.ledger()
	if err != nil {
		return upgrade.Version{}
	}
	l, err := upgrade.ReadLedger(path)
	if err != nil {
		return upgrade.Version{}
	}
	return l.Confirmed
}

// report reports an outcome, even if the command is interrupted.
func (u *turn) report(id string, o rollout.Outcome) error {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(u.cmd.Context()), reportFor, platform.ErrTimeout)
	defer cancel()
	if err := u.party.Report(ctx, id, o); err != nil {
		return fmt.Errorf("the other machines wait, because the outcome (%s) could not be reported: %w: repeat the command", o.State, err)
	}
	return nil
}

// outcomeOfTurn returns what the other machines have to know of an upgrade, or of a rollback.
func outcomeOfTurn(back bool, done upgrade.Attempt) rollout.Outcome {
	o := rollout.Outcome{SHA256: done.To.SHA256, Version: done.To.Version, Why: done.Reason}
	good := done.Result == upgrade.Confirmed || done.Result == upgrade.Unchanged
	switch {
	case back && good:
		o.State = rollout.Returned
	case back:
		o.State = rollout.Stuck
	case good:
		o.State = rollout.Confirmed
	case done.Result == upgrade.RolledBack:
		o.State = rollout.RolledBack
	case done.Result == upgrade.Refused:
		o.State = rollout.Refused
	default:
		o.State = rollout.Cut
	}
	return o
}

// finish waits for the other machines after the upgrade of this one.
func (u *turn) finish(ctx context.Context, done upgrade.Attempt) (err error) {
	fmt.Fprintf(notes(u.cmd), "- this machine is %v now\n", done.To)
	if u.f.conduct, err = newUpgradeID(u.t.Now()); err != nil {
		return err
	}
	back, err := u.party.Finish(ctx, u.f.conduct)
	switch {
	case err != nil:
		u.handBack(rollout.Confirmed, err)
		fmt.Fprintf(u.cmd.ErrOrStderr(), "- the rollout goes on without this command (%v): if it is stopped, this machine goes back by %s --in-turn only\n",
			err, u.command(u.t, "rollback"))
	case back:
		return u.goBack()
	}
	return u.showOutcome(u.cmd, u.t, u.verb, done, u.f.json)
}

// back returns to the previous version after a rollout that was stopped.
func (u *turn) back(ctx context.Context) (err error) {
	if u.party.SHA256, err = u.party.Stopped(ctx); err != nil {
		return err
	}
	if err := u.party.Attend(ctx); err != nil {
		return err
	}
	if u.f.conduct, err = newUpgradeID(u.t.Now()); err != nil {
		return err
	}
	back, err := u.party.Finish(ctx, u.f.conduct)
	if err != nil {
		u.handBack(rollout.Confirmed, err)
		return err
	}
	if !back {
		return errors.New("there is nothing to go back from")
	}
	done, err := u.perform("")
	if err != nil {
		return err
	}
	return u.showOutcome(u.cmd, u.t, u.verb, done, u.f.json)
}

// returned reports whether this machine does not have the stopped version any more. A rollback
// would then bring it back.
func (u *turn) returned() (bool, error) {
	digest, err := upgrade.Digest(u.t.program)
	return err == nil && digest != u.party.SHA256, err
}

// goBack goes back in the turn that was taken for it. It always returns an error, because
// the version that was asked for does not run.
func (u *turn) goBack() error {
	done, err := u.perform("")
	if err == nil {
		err = outcome(done)
	}
	if err != nil {
		return fmt.Errorf("the rollout was stopped, and this machine could not go back: %w", err)
	}
	return &classedError{fmt.Errorf("%w by another machine, and this one went back: %v runs", rollout.ErrStopped, done.To), exitRolledBack}
}

// reportTurn reports the outcome of an upgrade that this process has conducted. The command
// that waits for it does the same, but may have been killed.
func (a *app) reportTurn(ctx context.Context, t *target, back bool, done upgrade.Attempt) error {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), reportFor, platform.ErrTimeout)
	defer cancel()
	roster, machine, err := t.cfg.Roster(ctx)
	for err != nil && !errors.Is(err, service.ErrNoRoster) && sleep(ctx, time.Second) == nil { // a login needs the engine
		roster, machine, err = t.cfg.Roster(ctx)
	}
	if err != nil {
		return err
	}
	defer func() { _ = roster.Close() }()
	p := &rollout.Party{Options: rollout.Options{Roster: roster, Machine: machine, By: done.By, Member: memberOf, Waits: func(string) {}}}
	return p.Report(ctx, done.ID, outcomeOfTurn(back, done))
}

// reportUnbegun reports that an upgrade did not begin in this process, which conducts it.
func (a *app) reportUnbegun(ctx context.Context, t *target, file string, f upgradeFlags, why error) error {
	if !f.turn.on {
		return nil
	}
	return a.reportTurn(ctx, t, file == "", upgrade.Attempt{ID: f.conduct, By: f.by, Result: upgrade.Refused, Reason: why.Error()})
}

// pinned returns why the other machines of the cluster take no version with that digest.
func (t *target) pinned(ctx context.Context, digest string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, pinnedFor, platform.ErrTimeout)
	defer cancel()
	roster, _, err := t.cfg.Roster(ctx)
	if errors.Is(err, service.ErrNoRoster) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	defer func() { _ = roster.Close() }()
	board, err := roster.Look(ctx)
	if err != nil {
		return "", err
	}
	plan, err := rollout.ParsePlan(board.Plan)
	if err != nil {
		return "", err
	}
	if pin := plan.Pin(digest); pin != nil {
		return pin.String(), nil
	}
	return "", nil
}
