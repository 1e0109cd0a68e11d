// Package installer carries out the plan of a [platform.Manager]: either all of it, or, if a
// step fails or the process dies, none of it.
//
// A plan is data ([]platform.Step), and so is its inverse. Before a step is carried out, its
// inverse is written to a journal on disk. Use [Begin] and [Resume], under a [Lock], for
// changes to a machine. Use [Apply] for changes that need not outlive the process.
//
// # Rolling back and finishing
//
// One rule decides what happens to a transaction that ends half-way. It is rolled back as long
// as every step that was carried out can be undone. The removal of a directory with its
// contents ([platform.StepRemoveDir]) cannot be undone. From the first such step on, the
// transaction is finished instead, by this call or by the next one. Managers put such steps
// last, after the removal of the definition. So an install can always be rolled back, and an
// uninstall until it begins to delete data.
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

// A Report is called with each step before it is carried out, and err is nil. It is also
// called with each failure that does not stop the transaction, and err says what failed.
type Report func(s platform.Step, err error)

// Apply carries out the steps in order, without a journal. If a step fails, Apply undoes the
// steps before it in reverse order. The error says what failed and what could not be undone.
// The end of ctx makes the current step fail. It is safe to apply the same steps again.
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
			return fmt.Errorf("%s: did not end with exit code %d within %v: %w", strings.Join(s.Argv, " "), s.Until, s.Within, context.Cause(ctx))
		case <-time.After(again):
		}
	}
}

// writeFile writes the file, unless it already has that content and mode.
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
