// Command minimal is the smallest useful service. It logs once a minute that it is alive, and
// stops when it is asked to.
package main

import (
	"context"
	"os"
	"time"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
)

func main() { os.Exit(cli.Main(service.Config{Name: "minimal"}, program{})) }

type program struct{}

// Start returns when the service is ready. Work that continues runs in rt.Go.
func (program) Start(_ context.Context, rt *service.Runtime) error {
	rt.Go("heartbeat", func(ctx context.Context) error {
		tick := time.NewTicker(time.Minute)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				rt.Slog().Info("alive")
			case <-ctx.Done():
				return nil
			}
		}
	})
	return nil
}

// Stop has nothing to do, because the context of the heartbeat ends right after it.
func (program) Stop(context.Context) error { return nil }
