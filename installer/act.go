package installer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/holdfast-dev/holdfast/platform"
)

// The kinds of step that a [Keeper] carries out.
const (
	StepStart platform.StepKind = platform.StepStart // the service, which runs when it is done; it may run already
	StepStop  platform.StepKind = platform.StepStop  // the service, which is gone when it is done; it may be so already
)

// A Keeper is a machine and the manager of one service. Besides the steps of its System it
// carries out [StepStart] and [StepStop].
type Keeper struct {
	platform.System
	Manager platform.Manager
	ID      platform.ID
}

var (
	_ platform.Applier  = Keeper{}
	_ platform.Owners   = Keeper{}
	_ platform.DirMaker = Keeper{}
)

// Apply starts or stops the service, or passes the step to the System.
func (k Keeper) Apply(ctx context.Context, s platform.Step) error {
	switch s.Kind {
	case StepStart:
		return k.Manager.Start(ctx, k.ID)
	case StepStop:
		err := k.Manager.Stop(ctx, k.ID)
		if errors.Is(err, platform.ErrNotInstalled) || errors.Is(err, platform.ErrNotRunning) {
			return nil
		}
		return err
	}
	if a, ok := k.System.(platform.Applier); ok {
		return a.Apply(ctx, s)
	}
	return unknown(s)
}

// Inverse returns the steps that undo s. For a start or a stop these are in s.Back, because
// only the caller knows whether the service ran before.
func (k Keeper) Inverse(ctx context.Context, s platform.Step) ([]platform.Step, error) {
	if s.Kind == StepStart || s.Kind == StepStop {
		return s.Back, nil
	}
	if a, ok := k.System.(platform.Applier); ok {
		return a.Inverse(ctx, s)
	}
	return nil, unknown(s)
}

// MakeDir makes a directory if the System can do so.
func (k Keeper) MakeDir(path string, mode fs.FileMode) error {
	if d, ok := k.System.(platform.DirMaker); ok {
		return d.MakeDir(path, mode)
	}
	return fmt.Errorf("make %s: %w", path, errors.ErrUnsupported)
}

// Owner returns the owner of a file if the System knows it. Otherwise it returns -1, which
// leaves the owner unchanged: see chown(2).
func (k Keeper) Owner(path string) (platform.Owner, error) {
	if o, ok := k.System.(platform.Owners); ok {
		return o.Owner(path)
	}
	return platform.Owner{UID: -1, GID: -1}, nil
}

// Chown changes the owner of a file if the System can do so.
func (k Keeper) Chown(path string, o platform.Owner) error {
	if s, ok := k.System.(platform.Owners); ok {
		return s.Chown(path, o)
	}
	return nil
}
