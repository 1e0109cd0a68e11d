// Package installer carries out what a [platform.Manager] planned: all of it,
// or, when a step fails, none of it.
//
// A plan is data ([]platform.Step); nothing is decided here. Limits: a removed
// directory does not come back, so managers put such steps last.
package installer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// undoTime bounds the way back, which must be gone even when the caller's
// context is what ended the way forth.
const undoTime = time.Minute

// Report hears of each step before it is carried out, and of each failure that
// stops nothing (err is not nil then).
type Report func(s platform.Step, err error)

// Apply carries the steps out in order. When one fails, those before it are
// taken back in reverse order and the error says what failed, joined with what
// could not be taken back. The end of ctx counts as a failure of the step that
// is under way. Applying the same steps again is fine.
func Apply(ctx context.Context, sys platform.System, steps []platform.Step, report Report) error {
	if report == nil {
		report = func(platform.Step, error) {}
	}
	var back []func(context.Context) error
	for _, s := range steps {
		report(s, nil)
		undo, err := apply(ctx, sys, s)
		if err == nil {
			err = ctx.Err()
		}
		if undo != nil {
			back = append(back, undo)
		}
		if err != nil && s.MayFail && ctx.Err() == nil {
			report(s, err)
			continue
		}
		if err != nil {
			return errors.Join(fmt.Errorf("%s: %w", s.Describe, err), takeBack(ctx, back))
		}
	}
	return nil
}

func takeBack(ctx context.Context, back []func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	var errs []error
	for _, undo := range slices.Backward(back) {
		if err := undo(ctx); err != nil {
			errs = append(errs, fmt.Errorf("not taken back: %w", err))
		}
	}
	return errors.Join(errs...)
}

// apply carries out one step and returns what takes it back, which may be there
// beside an error.
func apply(ctx context.Context, sys platform.System, s platform.Step) (undo func(context.Context) error, err error) {
	switch s.Kind {
	case platform.StepWriteFile:
		return writeFile(sys, s)
	case platform.StepCopyFile:
		content, err := sys.ReadFile(s.Source)
		if err != nil {
			return nil, err
		}
		s.Content = content
		return writeFile(sys, s)
	case platform.StepRemoveFile:
		undo, err := keep(sys, s.Path)
		if err != nil || undo == nil {
			return nil, err
		}
		return undo, sys.Remove(s.Path)
	case platform.StepRemoveDir:
		return nil, sys.RemoveAll(s.Path)
	case platform.StepRun:
		if s.Undo != nil {
			undo = func(ctx context.Context) error {
				_, err := sys.Run(ctx, s.Undo...)
				return err
			}
		}
		if s.Until != 0 {
			return undo, until(ctx, sys, s)
		}
		_, err := sys.Run(ctx, s.Argv...)
		return undo, err
	}
	if a, ok := sys.(platform.Applier); ok {
		return a.Apply(ctx, s)
	}
	return nil, fmt.Errorf("step of unknown kind %q", s.Kind)
}

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

func writeFile(sys platform.System, s platform.Step) (func(context.Context) error, error) {
	undo, err := keep(sys, s.Path)
	if err != nil {
		return nil, err
	}
	if undo == nil {
		undo = func(context.Context) error { return absentIsFine(sys.Remove(s.Path)) }
	} else if same(sys, s) {
		return nil, nil
	}
	return undo, sys.WriteFile(s.Path, s.Content, s.Mode)
}

func same(sys platform.System, s platform.Step) bool {
	content, err := sys.ReadFile(s.Path)
	if err != nil || !bytes.Equal(content, s.Content) {
		return false
	}
	info, err := sys.Stat(s.Path)
	return err == nil && (!modesCount || info.Mode().Perm() == s.Mode)
}

// keep remembers a file and returns what puts it back; nil if there is none.
func keep(sys platform.System, path string) (func(context.Context) error, error) {
	content, err := sys.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	info, err := sys.Stat(path)
	if err != nil {
		return nil, err
	}
	return func(context.Context) error { return sys.WriteFile(path, content, info.Mode().Perm()) }, nil
}

func absentIsFine(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
