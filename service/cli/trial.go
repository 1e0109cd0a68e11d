package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/installer/trial"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/logsink"
)

// beginTrial lets the candidate on trial run, if there is one: see [trial.Begin].
func (a *app) beginTrial(cmd *cobra.Command, scope platform.Scope) trial.Begun {
	id := a.cfg.ID(scope)
	path, err := a.TrialFile(id)
	if err != nil { // a user without a home has no trial
		path = ""
	}
	return trial.Begin(trial.Options{
		Path: path, Service: id.String(), Own: scope == platform.ScopeUser, Starter: native.Starter(),
		Say: func(err error) {
			logsink.PrintError(fmt.Sprintf("%s: no trial: %v\n", cmd.Root().Name(), logsink.Printable(err.Error())))
		},
	})
}

// live runs the service. If this is a candidate that fails or is not confirmed in time, the
// confirmed version follows: in the same process or, on Windows, in the parent process. The
// manager notices neither.
func (a *app) live(ctx context.Context, begun trial.Begun) error {
	if begun.Exit != nil {
		if *begun.Exit == platform.ExitOK {
			return nil
		}
		return &exitError{*begun.Exit}
	}
	if begun.Host != nil {
		ctx = native.WithHost(ctx, begun.Host)
	}
	t := begun.Trial
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
	case ctx.Err() != nil && !over: // the caller has requested the end
		return err
	case err == nil && !over, !t.Yields():
		return err
	}
	return errors.Join(err, t.GiveWay()) // GiveWay returns only if it fails
}
