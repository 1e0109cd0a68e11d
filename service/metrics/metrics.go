package metrics

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/holdfast-dev/holdfast/service"
)

// Metrics is the extension of one program. Use [New] to make one.
type Metrics struct{ program *prometheus.Registry }

// New returns an extension for [service.Config.Extensions].
func New() *Metrics { return &Metrics{program: prometheus.NewRegistry()} }

// Registerer returns the registry for the program's own collectors, which may be registered
// before Start or at any time. They are called in goroutines of the listener. A collector that
// hangs affects only the answers of /metrics; one that panics ends the process.
//
// Names that begin with holdfast_, process_ and go_ are reserved.
func (m *Metrics) Registerer() prometheus.Registerer { return m.program }

// Table returns the table [service.metrics].
func (m *Metrics) Table() (name string, table any) { return tableName, defaults() }

// Probes returns where /livez and /readyz are answered to other machines: nowhere, unless the
// listener has an address that they can reach.
func (m *Metrics) Probes(table any) string {
	s := table.(*settings) //nolint:errcheck,forcetypeassert // Table returned it
	a, err := s.address()
	if err != nil || a.network != "tcp" {
		return ""
	}
	if host, _, err := net.SplitHostPort(a.at); err != nil || loopback(host) {
		return ""
	}
	return a.at
}

// endWithin limits the time that the end of the metrics takes of an ordered stop.
const endWithin = 250 * time.Millisecond

// Attach starts the listener and the textfile, as far as they are configured.
func (m *Metrics) Attach(ctx context.Context, rt *service.Runtime, table any) error {
	s := table.(*settings) //nolint:errcheck,forcetypeassert // Table returned it
	if s.Listen == "" && s.Textfile == "" {
		return nil
	}
	ours := prometheus.NewRegistry()
	source := newSource(rt)
	if err := prometheus.WrapRegistererWith(prometheus.Labels{"service": source.id}, ours).Register(newCollector(source)); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	life, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	var ends []func(context.Context)
	if s.Textfile != "" {
		t := newTextfile(source, s, prometheus.Gatherers{ours, m.program})
		ended.Go(func() { t.write(life) })
	}
	if s.Listen != "" {
		runtime := prometheus.NewRegistry()
		runtime.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
		e, err := newEndpoint(source, s, prometheus.Gatherers{ours, m.program, runtime}, usual())
		if err == nil && s.Required {
			err = e.open(ctx)
		}
		if err != nil {
			cancel()
			return fmt.Errorf("metrics: %w", err)
		}
		ended.Go(func() { e.serve(life) })
		ends = append(ends, e.end)
	}
	rt.OnStop("end of the metrics", 2*endWithin, func(ctx context.Context) error {
		ctx, enough := context.WithTimeout(ctx, endWithin)
		defer enough()
		source.over()
		cancel()
		for _, end := range ends {
			end(ctx)
		}
		gone := make(chan struct{})
		go func() { ended.Wait(); close(gone) }()
		select {
		case <-gone:
		case <-ctx.Done(): // a collector or a disk that hangs is no failure of the stop
		}
		return nil
	})
	return nil
}
