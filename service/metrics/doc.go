// Package metrics exposes a service to Prometheus and to health probes.
//
// A program asks for it in one line. Only such a program links net/http and client_golang:
//
//	service.Config{Name: "feedd", Extensions: []service.Extension{metrics.New()}}
//
// Nothing is opened until the configuration asks for it:
//
//	[service.metrics]
//	listen = "127.0.0.1:9100"   # or "unix:/run/feedd/metrics.sock"
//	textfile = "/var/lib/node_exporter/feedd.prom"
//
// The listener answers GET requests for
//
//   - /metrics: the metrics in the table of examples/observe/README.md, those that the program
//     has registered ([Metrics.Registerer]), and those of client_golang about the process and
//     the Go runtime. The format is OpenMetrics if the client asks for it.
//   - /livez: 503 if a health check has failed for longer than the configured watchdog.
//     Otherwise it only shows that the process answers.
//   - /healthz: 503 while a health check fails.
//   - /readyz: 503 while the service is not ready or a health check fails.
//
// The latter three give the reason as lines of text, or as JSON if the client accepts
// application/json or adds ?format=json.
//
// The textfile is for the textfile collector of Prometheus' node_exporter, and needs no
// listener. It is replaced atomically every textfile_interval, and a last time at the end of
// an ordered stop, with the phase "stopped". It leaves out the metrics that node_exporter has
// itself (process_ and go_). Each of its metrics has a label with the service's name.
//
// # Isolation from the service
//
// All work is done in goroutines of its own. If the listener cannot be opened, that is logged
// and tried again; it fails the start only with required = true. The number of connections and
// of concurrent scrapes is limited, and so are the times for slow and silent clients and for
// the program's collectors. The end is a step of the ordered stop that takes at most a quarter
// of a second, whatever hangs.
//
// Anybody who can connect can read. So listen accepts only loopback addresses and unix
// sockets, and other addresses with allow_remote = true. There is neither TLS nor a password:
// use a proxy if you need them.
//
// # Windows notes
//
// unix: is refused, because the mode of a socket file protects nothing there.
package metrics
