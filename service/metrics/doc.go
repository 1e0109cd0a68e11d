// Package metrics shows a service to Prometheus, and to whoever asks whether it is well.
//
// A program asks for it in one line, and pays for it (net/http and client_golang are
// linked) only then:
//
//	service.Config{Name: "feedd", Extensions: []service.Extension{metrics.New()}}
//
// Nothing is opened until the configuration says so:
//
//	[service.metrics]
//	listen = "127.0.0.1:9100"   # or "unix:/run/feedd/metrics.sock"
//	textfile = "/var/lib/node_exporter/feedd.prom"
//
// The listener answers GET at
//
//   - /metrics: what the table in examples/observe/README.md names, what the program has
//     registered ([Metrics.Registerer]), and what client_golang says of the process and of Go's
//     runtime; as OpenMetrics for whoever asks for that.
//   - /livez: 503 once a health check has failed for longer than the watchdog of the
//     configuration allows; otherwise that the process answers.
//   - /healthz: 503 while a health check fails.
//   - /readyz: 503 while the service is not ready, or a health check fails.
//
// The latter three say why, in lines of text, or as JSON for who accepts
// application/json or adds ?format=json.
//
// The textfile is for the textfile collector of Prometheus' node_exporter, and needs no
// listener: it is replaced whole every textfile_interval, and a last time at the end of an
// ordered stop, with the phase "stopped". It leaves out what node_exporter has of itself (process_
// and go_), and each of its metrics bears the service's name.
//
// # What it costs and what it cannot do to a service
//
// All of it is in goroutines of its own. A listener that cannot be had is told in the log
// and tried again, and a start fails by it only with required = true. Slow, many and
// silent clients are bounded in number and in time, and what the program's collectors
// do, in a share of requests at once. Its end is a step of the ordered stop that takes
// a quarter of a second at most, whatever hangs.
//
// Whoever can connect can read: listen takes loopback and unix sockets only, and other
// addresses with allow_remote = true. There is neither TLS nor a password: put a proxy in
// front of it where that is needed.
//
// # Windows notes
//
// unix: is refused, since the mode of a socket's file protects nothing there.
package metrics
