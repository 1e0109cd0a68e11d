// Command observe counts, and can be observed: by Prometheus, by health probes, and in a
// textfile. See README.md.
package main

import (
	"context"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/service/metrics"
)

var version = "dev" // set by the linker

func main() { os.Exit(run()) }

func run() int {
	p := &program{metrics: metrics.New()}
	return cli.Main(service.Config{
		Name: "observe", Version: version, Description: "Counts, and publishes metrics",
		Extensions:  []service.Extension{p.metrics}, // the only line that metrics need
		DefaultFile: "[service.metrics]\nlisten = \"127.0.0.1:9110\"\n",
	}, p)
}

type program struct {
	metrics *metrics.Metrics
	ticks   prometheus.Counter
}

// Start registers a counter of the program's own beside those of holdfast.
func (p *program) Start(_ context.Context, rt *service.Runtime) error {
	p.ticks = prometheus.NewCounter(prometheus.CounterOpts{Name: "observe_ticks_total", Help: "Seconds that were counted."})
	if err := p.metrics.Registerer().Register(p.ticks); err != nil {
		return err
	}
	rt.HealthCheck("mood", func(context.Context) error { return nil })
	rt.Go("ticks", func(ctx context.Context) error {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				p.ticks.Inc()
			case <-ctx.Done():
				return nil
			}
		}
	})
	return nil
}

// Reload has nothing to take; it exists to be counted.
func (*program) Reload(context.Context) error { return nil }

// Stop has nothing to do.
func (*program) Stop(context.Context) error { return nil }
