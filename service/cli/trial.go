package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/installer/trial"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/logsink"
)

// beginTrial has this process become the candidate that is on trial, if there is
// one. It is the trial in the candidate, and nil in the confirmed version.
func (a *app) beginTrial(cmd *cobra.Command, scope platform.Scope) *trial.Trial {
	id := a.cfg.ID(scope)
	path, err := a.TrialFile(id)
	if err != nil { // a user without a home has no trial
		path = ""
	}
	return trial.Begin(trial.Options{
		Path: path, Service: id.String(), Own: scope == platform.ScopeUser,
		Say: func(err error) {
			logsink.PrintError(fmt.Sprintf("%s: not as a candidate: %v\n", cmd.Root().Name(), logsink.Printable(err.Error())))
		},
	})
}

// live is the service's life. That of a candidate is followed by the confirmed
// version, in the same process, where it fails or is not confirmed in time; a
// manager notices neither.
func (a *app) live(ctx context.Context, t *trial.Trial) error {
	if t == nil {
		return service.Run(ctx, a.cfg, a.prog)
	}
	ctx, cancel := context.WithCancelCause(trial.NewContext(ctx, t))
	defer cancel(nil)
	go func() {
		if err := t.Watch(ctx); errors.Is(err, trial.ErrOver) {
			cancel(err)
		}
	}()
	err := service.Run(ctx, a.cfg, a.prog)
	switch over := errors.Is(context.Cause(ctx), trial.ErrOver); {
	case ctx.Err() != nil && !over: // its caller has asked for the end
		return err
	case err == nil && !over, !t.Yields():
		return err
	}
	return errors.Join(err, t.GiveWay()) // it returns only where it cannot
}
