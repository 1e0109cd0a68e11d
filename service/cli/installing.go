package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/installer"
	"github.com/holdfast-dev/holdfast/platform"
)

// install carries out the steps, if there is something to do, and records the flags. It
// reports whether there was something to do. The caller commits the transaction.
func (a *app) install(cmd *cobra.Command, t *target, steps []platform.Step, f installFlags) (tx *installer.Transaction, did bool, err error) {
	ctx := cmd.Context()
	if err := a.mayApply(t, steps); err != nil {
		return nil, false, err
	}
	all := t.changes(ctx, slices.Concat(t.defaultFile.steps, steps))
	did = len(all) > 0 || len(t.defaultFile.steps) > 0 || t.undone(ctx, steps)
	if t.present {
		printChanges(notes(cmd), all)
	}
	before := t.manifest
	record, err := t.record(f.told, t.redefines(all))
	if err != nil {
		return nil, false, err
	}
	t.notYet()
	tx = t.transaction(cmd, "install")
	if f.start || f.restart || stops(steps) {
		if err := t.noteBefore(ctx, tx); err != nil {
			return nil, false, errors.Join(err, tx.TakeBack(ctx))
		}
	}
	if err := tx.Apply(ctx, t.defaultFile.steps); err != nil {
		t.manifest = before
		return nil, false, err
	}
	if t.defaultFile.anew {
		if err := a.precheck(ctx, t); err != nil {
			t.manifest = before
			return nil, false, errors.Join(err, tx.TakeBack(ctx))
		}
	}
	carried := steps
	if !did {
		carried = nil
	}
	if err := tx.Apply(ctx, slices.Concat(carried, record)); err != nil {
		t.manifest = before
		return nil, false, err
	}
	t.wroteRecord = len(record) > 0
	return tx, did, nil
}

// noteBefore records how the transaction is rolled back last of all: the service runs again if
// it runs now, and directories that do not exist now are removed. If the service cannot be
// started again, everything else is rolled back nevertheless.
func (t *target) noteBefore(ctx context.Context, tx *installer.Transaction) error {
	var back []platform.Step
	st, err := query(ctx, t.manager, t.id)
	if err != nil {
		return err
	}
	h, err := t.probe(ctx, t.lock())
	if err == nil && keeps(st, h.PID, h.Origin) || st.Installed && runs(st.Phase) {
		back = append(back, platform.Step{Kind: platform.StepStart, Describe: "start the previous service again", MayFail: true, Within: t.cfg.StartTimeout + platform.StopMargin})
	}
	for _, dir := range []string{t.dirs.Runtime, t.dirs.State, t.dirs.Logs} {
		if dir != "" && t.absent(dir) {
			back = append(back, platform.Step{Kind: platform.StepDropDir, Describe: dir, Path: dir})
		}
	}
	return tx.Note("what there was before", back...)
}

// runs reports whether a phase means that the manager runs the service, or is about to.
func runs(p platform.Phase) bool {
	return slices.Contains([]platform.Phase{platform.PhaseStarting, platform.PhaseStandby, platform.PhaseReady, platform.PhaseReloading}, p)
}

// finish brings the service to the requested state, and ends the install. If the service does
// not become ready, the whole install is rolled back.
func (a *app) finish(cmd *cobra.Command, t *target, tx *installer.Transaction, steps []platform.Step, f installFlags, did bool) error {
	ctx := cmd.Context()
	var err error
	if f.start || f.restart || stops(steps) && did {
		err = tx.Note("start the service",
			platform.Step{Kind: platform.StepStop, Describe: "stop the service that did not become ready", Within: t.cfg.StopTimeout + platform.StopMargin})
	}
	if err == nil {
		err = a.bringIn(cmd, t, steps, f, did)
	}
	if err == nil {
		return tx.Commit(ctx)
	}
	if back := tx.TakeBack(ctx); back != nil {
		return errors.Join(err, back)
	}
	if t.notStarted != nil {
		return t.stopped(err)
	}
	t.sweep()
	return fmt.Errorf("%w; all changes of this install are undone", err)
}

// stopped adds to the reason of a rollback why the service, which the transaction had stopped,
// does not run again. If it runs, stopped adds nothing.
func (t *target) stopped(err error) error {
	if t.notStarted == nil {
		return err
	}
	return fmt.Errorf("%w; the previous installation is restored, but could not be started: %w", err, t.notStarted)
}

// notYet records which directories of the service do not exist.
func (t *target) notYet() {
	t.fresh = slices.DeleteFunc([]string{t.dirs.Runtime, t.dirs.State}, func(dir string) bool { return dir == "" || !t.absent(dir) })
}

// absent reports whether nothing exists at path. It is false if that cannot be determined.
func (t *target) absent(path string) bool {
	_, err := t.System.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// sweep removes those directories that now contain only holdfast's own records. What the
// program itself has stored stays.
func (t *target) sweep() {
	for _, dir := range t.fresh {
		if others, err := t.foreign(dir); err == nil && len(others) == 0 {
			_ = t.System.RemoveAll(dir)
		}
	}
}
