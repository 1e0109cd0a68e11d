// Package installer carries out what a [platform.Manager] planned: all of it,
// or, when a step fails or the process dies, none of it.
//
// A plan is data ([]platform.Step), and so is what takes it back. Before a step is
// carried out, its inverse is on the disk, in a journal: [Begin] and [Resume] are
// for what changes a machine, under a [Lock], and [Apply] is for what need not
// outlive the process.
//
// # Back or forth
//
// One rule decides, for all kinds of step, what becomes of a transaction that ends
// half-way: it is taken back as long as everything that was done can be. A directory
// that is removed with what lies in it ([platform.StepRemoveDir]) cannot. From the
// first such step on the transaction is finished instead, by this call or by the next
// one. Managers put such steps last, behind the removal of the definition: so an
// install is always taken back, and an uninstall until nothing of it could be missed.
package installer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// Report hears of each step before it is carried out, and of each failure that
// stops nothing (err is not nil then).
type Report func(s platform.Step, err error)

// Apply carries the steps out in order, without a journal. When one fails, those
// before it are taken back in reverse order and the error says what failed, joined
// with what could not be taken back. The end of ctx counts as a failure of the step
// that is under way. Applying the same steps again is fine.
func Apply(ctx context.Context, sys platform.System, steps []platform.Step, report Report) error {
	t := Begin(sys, Job{Report: report})
	if err := t.Apply(ctx, steps); err != nil {
		return err
	}
	return t.Commit(ctx)
}

// carryOut carries out one step; what is done already is no error.
func carryOut(ctx context.Context, sys platform.System, s platform.Step) error {
	switch s.Kind {
	case platform.StepWriteFile:
		return writeFile(sys, s)
	case platform.StepCopyFile:
		content, err := sys.ReadFile(s.Source)
		if err != nil {
			return err
		}
		s.Content = content
		return writeFile(sys, s)
	case platform.StepMakeDir:
		return makeDir(sys, s)
	case platform.StepRemoveFile:
		return absentIsFine(sys.Remove(s.Path))
	case platform.StepRemoveDir:
		return sys.RemoveAll(s.Path)
	case platform.StepDropDir:
		if err := sys.Remove(s.Path); !errors.Is(err, fs.ErrExist) { // ENOTEMPTY
			return absentIsFine(err)
		}
		return nil
	case platform.StepRun:
		if s.Until != 0 {
			return until(ctx, sys, s)
		}
		_, err := sys.Run(ctx, s.Argv...)
		return err
	}
	if a, ok := sys.(platform.Applier); ok {
		return a.Apply(ctx, s)
	}
	return unknown(s)
}

func makeDir(sys platform.System, s platform.Step) error {
	if d, ok := sys.(platform.DirMaker); ok {
		return d.MakeDir(s.Path, s.Mode)
	}
	return unknown(s)
}

func unknown(s platform.Step) error { return fmt.Errorf("step of unknown kind %q", s.Kind) }

// again is the time between two runs of a command that is repeated.
const again = 100 * time.Millisecond

// until runs a command again and again until it ends with the code that is
// waited for.
func until(ctx context.Context, sys platform.System, s platform.Step) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.Within, platform.ErrTimeout)
	defer cancel()
	for {
		_, err := sys.Run(ctx, s.Argv...)
		var ended *platform.CommandError
		switch {
		case errors.As(err, &ended) && ended.Code == s.Until:
			return nil
		case err != nil && (ended == nil || ended.Code < 0) && ctx.Err() == nil:
			return err // it cannot be run at all
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: no exit code %d within %v: %w", strings.Join(s.Argv, " "), s.Until, s.Within, context.Cause(ctx))
		case <-time.After(again):
		}
	}
}

// writeFile leaves a file alone that is as it is to be.
func writeFile(sys platform.System, s platform.Step) error {
	if !same(sys, s) {
		if err := sys.WriteFile(s.Path, s.Content, s.Mode); err != nil {
			return err
		}
	}
	if o, ok := sys.(platform.Owners); ok && s.Owner != nil {
		return o.Chown(s.Path, *s.Owner)
	}
	return nil
}

func absentIsFine(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
