package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/holdfast-dev/holdfast/platform/state"
)

func (o out) reloads(r state.Reloads) {
	o.counter("reload_requests_total", float64(r.Requested))
	o.counter("reloads_total", float64(r.Completed-r.Failed), "succeeded")
	o.counter("reloads_total", float64(r.Failed), "failed")
	o.ch <- prometheus.MustNewConstSummary(o.descs["reload_duration_seconds"], r.Completed, r.Took.Seconds(), nil)
	if r.LastEnd.IsZero() {
		return
	}
	o.gauge("reload_last_duration_seconds", r.LastTook.Seconds())
	o.time("reload_last_time_seconds", r.LastEnd)
	o.gauge("reload_last_successful", truth(r.LastError == ""))
}

// mostSteps limits the steps that are exported of a program that adds them without end.
const mostSteps = 100

// steps sends the metrics of the steps by name. Steps with the same name are added up.
func (o out) steps(all []state.StopStep) {
	var order []string
	took, failed := map[string]time.Duration{}, map[string]bool{}
	for _, s := range all {
		name := label(s.Name)
		if _, again := took[name]; !again {
			if len(order) == mostSteps {
				continue
			}
			order = append(order, name)
		}
		took[name] += s.Took
		failed[name] = failed[name] || s.Error != ""
	}
	for _, name := range order {
		o.gauge("last_stop_step_duration_seconds", took[name].Seconds(), name)
		o.gauge("last_stop_step_failed", truth(failed[name]), name)
	}
}
