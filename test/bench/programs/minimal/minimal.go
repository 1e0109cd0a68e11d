// Package minimal is the program of examples/minimal with a Reload, for the two ways to run it: service.Run and cli.Main.
package minimal

import (
	"context"
	"time"

	"github.com/holdfast-dev/holdfast/service"

	"github.com/holdfast-dev/holdfast/test/bench/programs/tell"
)

// Config returns a configuration with all defaults. The directories come from the environment,
// as from a manager. Health checks, if they are asked for, run at the pace of the harness.
func Config() service.Config {
	c := service.Config{Name: "minimal"}
	if tell.Checks() > 0 {
		c.HealthInterval = tell.Pace
	}
	return c
}

// Program has one goroutine that logs once a minute that it is alive.
type Program struct{}

// Start is ready at once.
func (Program) Start(_ context.Context, rt *service.Runtime) error {
	if n := tell.Checks(); n > 0 {
		rt.HealthCheck("minimal", tell.Counter(n))
	}
	if tell.Idle() {
		return nil
	}
	rt.Go("heartbeat", func(ctx context.Context) error {
		tick := time.NewTicker(time.Minute)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				rt.Logger().Info("alive")
			case <-ctx.Done():
				return nil
			}
		}
	})
	return nil
}

// Reload reports that it was called.
func (Program) Reload(context.Context) error { return tell.Reloaded() }

// Stop has nothing to do.
func (Program) Stop(context.Context) error { return nil }
