package installer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/holdfast-dev/holdfast/platform"
)

// A ServiceApplier applies steps to a machine and to one service. Besides the steps of its System,
// it carries out [platform.StepStart] and [platform.StepStop].
type ServiceApplier struct {
	platform.System
	Manager platform.Manager
	ID      platform.ID
}

var (
	_ platform.Applier  = ServiceApplier{}
	_ platform.Owners   = ServiceApplier{}
	_ platform.DirMaker = ServiceApplier{}
)

// Apply starts or stops the service, or passes the step to the System.
func (sa ServiceApplier) Apply(ctx context.Context, s platform.Step) error {
	switch s.Kind {
	case platform.StepStart:
		return sa.Manager.Start(ctx, sa.ID)
	case platform.StepStop:
		err := sa.Manager.Stop(ctx, sa.ID)
		if errors.Is(err, platform.ErrNotInstalled) || errors.Is(err, platform.ErrNotRunning) {
			return nil
		}
		return err
	}
	if a, ok := sa.System.(platform.Applier); ok {
		return a.Apply(ctx, s)
	}
	return unknown(s)
}

// Inverse returns the steps that undo s. For a start or a stop these are in s.Back, because
// only the caller knows whether the service ran before.
func (sa ServiceApplier) Inverse(ctx context.Context, s platform.Step) ([]platform.Step, error) {
	if s.Kind == platform.StepStart || s.Kind == platform.StepStop {
		return s.Back, nil
	}
	if a, ok := sa.System.(platform.Applier); ok {
		return a.Inverse(ctx, s)
	}
	return nil, unknown(s)
}

// MakeDir makes a directory if the System can do so.
func (sa ServiceApplier) MakeDir(path string, mode fs.FileMode) error {
	if d, ok := sa.System.(platform.DirMaker); ok {
		return d.MakeDir(path, mode)
	}
	return fmt.Errorf("make %s: %w", path, errors.ErrUnsupported)
}

// Owner returns the owner of a file if the System knows it. Otherwise it returns -1, which
// leaves the owner unchanged: see chown(2).
func (sa ServiceApplier) Owner(path string) (platform.Owner, error) {
	if o, ok := sa.System.(platform.Owners); ok {
		return o.Owner(path)
	}
	return platform.Owner{UID: -1, GID: -1}, nil
}

// Chown changes the owner of a file if the System can do so.
func (sa ServiceApplier) Chown(path string, o platform.Owner) error {
	if s, ok := sa.System.(platform.Owners); ok {
		return s.Chown(path, o)
	}
	return nil
}
