package metrics

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/alarm"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

// A metric is one of a collector's metrics. The table in examples/observe/README.md describes
// all of them for people, and a test compares the two.
type metric struct {
	name   string // without the prefix
	help   string
	labels []string
}

// prefix begins all names.
const prefix = "holdfast_"

func all() []metric {
	return []metric{
		{"info", "1; the labels describe the running program.", []string{"version", "manager"}},
		{"phase", "1 for the phase of its life that the service is in, 0 for the others.", []string{"phase"}},
		{"phase_start_time_seconds", "When the phase began, in seconds since 1970.", nil},
		{"ready", "1 while the service is ready or reloads.", nil},
		{"start_time_seconds", "When the process began, in seconds since 1970.", nil},
		{"uptime_seconds", "How long the process has been running.", nil},
		{"ready_time_seconds", "When the service became ready, in seconds since 1970.", nil},
		{"start_duration_seconds", "How long the service took to become ready.", nil},
		{"term", "The number of this run, which grows with each.", nil},
		{"restarts_total", "Restarts of the service since it was last started by hand.", nil},
		{"reload_requests_total", "Requests for a reload; those that wait together count once each.", nil},
		{"reloads_total", "Reloads that are over, by their outcome: succeeded or failed.", []string{"outcome"}},
		{"reload_duration_seconds", "How long reloads took.", nil},
		{"reload_last_duration_seconds", "How long the last reload took.", nil},
		{"reload_last_time_seconds", "When the last reload was over, in seconds since 1970.", nil},
		{"reload_last_successful", "1 if the last reload succeeded, 0 if the old configuration stayed.", nil},
		{"health_check_ok", "1 if the health check succeeded when it was asked last, else 0.", []string{"check"}},
		{"health_check_since_time_seconds", "When the health check last changed its result, in seconds since 1970.", []string{"check"}},
		{"last_run_end", "1 for the way in which the run before this one ended, 0 for the others.", []string{"how"}},
		{"last_run_end_time_seconds", "When the run before this one ended, in seconds since 1970, if that is known.", nil},
		{"last_run_exit_code", "The exit code of the run before this one; -1: it was cut off.", nil},
		{"last_stop_step_duration_seconds", "How long each step of the last ordered stop took: that of this run while it stops, else of the run before.", []string{"step"}},
		{"last_stop_step_failed", "1 if the step of the last ordered stop failed or overran, else 0.", []string{"step"}},
		{"stop_requested", "1 while the ordered stop is under way.", nil},
		{"work_entries", "Entries of the journal of interrupted work, by state: begun, queued, interrupted, set_aside, damaged.", []string{"state"}},
		{"work_refused", "1 if the journal of interrupted work cannot be used, else 0.", nil},
		{"alarms_sent_total", "Alarms that were delivered, by command or by webhook.", []string{"by"}},
		{"alarm_failures_total", "Deliveries of alarms that failed, by command or by webhook; each is tried again.", []string{"by"}},
		{"alarms_joined_total", "Alarms that were joined with another of their kind.", nil},
		{"alarms_dropped_total", "Alarms that were lost: too many waited, or they were tried too often.", nil},
		{"alarms_pending", "Alarms that are not delivered yet.", nil},
	}
}

// A collector collects the metrics that holdfast itself provides.
type collector struct {
	*source
	descs map[string]*prometheus.Desc
}

func newCollector(s *source) *collector {
	c := &collector{s, map[string]*prometheus.Desc{}}
	for _, m := range all() {
		c.descs[m.name] = prometheus.NewDesc(prefix+m.name, m.help, m.labels, nil)
	}
	return c
}

// Describe is called once, by the registry.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		ch <- d
	}
}

// Collect is called for each scrape.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	o := out{c.descs, ch}
	now := c.now()
	o.gauge("info", 1, now.Version, now.Manager)
	for _, p := range []platform.Phase{
		platform.PhaseStarting, platform.PhaseStandby, platform.PhaseReady, platform.PhaseReloading, platform.PhaseStopping, platform.PhaseStopped,
	} {
		o.gauge("phase", truth(now.Phase == p), string(p))
	}
	o.time("phase_start_time_seconds", now.PhaseSince)
	o.gauge("ready", truth(now.Ready()))
	o.time("start_time_seconds", now.StartedAt)
	o.gauge("uptime_seconds", time.Since(now.StartedAt).Seconds())
	if !now.ReadyAt.IsZero() {
		o.time("ready_time_seconds", now.ReadyAt)
		o.gauge("start_duration_seconds", now.ReadyAt.Sub(now.StartedAt).Seconds())
	}
	if term := c.term.Load(); term > 0 {
		o.gauge("term", float64(term))
	}
	o.counter("restarts_total", float64(now.Restarts))
	o.reloads(now.Reloads)
	once := map[string]bool{}
	for _, h := range now.Health {
		if name := label(h.Name); !once[name] {
			once[name] = true
			o.gauge("health_check_ok", truth(h.OK), name)
			o.time("health_check_since_time_seconds", h.Since, name)
		}
	}
	o.lastRun(c.last)
	steps := c.last.Steps
	if now.Stop != nil {
		steps = now.Stop.Steps
	}
	o.steps(steps)
	o.gauge("stop_requested", truth(now.Stop != nil))
	o.work(c.work())
	o.alarms(c.alarms())
}

// An out sends metrics to a channel.
type out struct {
	descs map[string]*prometheus.Desc
	ch    chan<- prometheus.Metric
}

func (o out) put(name string, kind prometheus.ValueType, value float64, labels ...string) {
	for i := range labels {
		labels[i] = label(labels[i])
	}
	m, err := prometheus.NewConstMetric(o.descs[name], kind, value, labels...)
	if err != nil {
		m = prometheus.NewInvalidMetric(o.descs[name], err)
	}
	o.ch <- m
}

func (o out) gauge(name string, value float64, labels ...string) {
	o.put(name, prometheus.GaugeValue, value, labels...)
}

func (o out) counter(name string, value float64, labels ...string) {
	o.put(name, prometheus.CounterValue, value, labels...)
}

func (o out) time(name string, t time.Time, labels ...string) {
	if !t.IsZero() {
		o.gauge(name, float64(t.UnixMicro())/1e6, labels...)
	}
}

func (o out) lastRun(last recovery.LastRun) {
	is := last.How()
	for _, how := range []recovery.How{
		recovery.None, recovery.Clean, recovery.Forced, recovery.Failed, recovery.Panicked, recovery.Signaled, recovery.Killed,
		recovery.Rebooted, recovery.RunsElsewhere, recovery.Unknown,
	} {
		o.gauge("last_run_end", truth(is == how), string(how))
	}
	o.time("last_run_end_time_seconds", last.Ended)
	if e := last.Ending(); e != nil {
		o.gauge("last_run_exit_code", float64(e.Code))
	}
}

func (o out) work(w *recovery.Work) {
	if w == nil {
		return
	}
	for state, n := range map[string]int{
		"begun": w.Begun, "queued": w.Queued, "interrupted": w.Interrupted, "set_aside": w.SetAside, "damaged": w.Damaged,
	} {
		o.gauge("work_entries", float64(n), state)
	}
	o.gauge("work_refused", truth(w.Refused != ""))
}

// alarms sends the counts of alarms if alarms are configured.
func (o out) alarms(c alarm.Counts) {
	if c.Ways == nil {
		return
	}
	for _, w := range c.Ways {
		o.counter("alarms_sent_total", float64(w.Sent), w.Name)
		o.counter("alarm_failures_total", float64(w.Failed), w.Name)
	}
	o.counter("alarms_joined_total", float64(c.Joined))
	o.counter("alarms_dropped_total", float64(c.Dropped))
	o.gauge("alarms_pending", float64(c.Pending))
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// longestLabel limits names that the program has given to steps and checks, in bytes.
const longestLabel = 200

// label returns name as a valid label value.
func label(name string) string {
	if len(name) > longestLabel {
		name = name[:longestLabel]
	}
	return strings.ToValidUTF8(name, "?")
}
