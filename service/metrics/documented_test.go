//go:build linux || darwin || windows

package metrics_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/metrics"
	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// documented returns the lines of the table in examples/observe/README.md, without the
// meaning.
func documented(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../examples/observe/README.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(holdfast_\\w+)` \\| (\\w+) \\| (.*?) \\| (.+) \\|\r?$").FindAllStringSubmatch(string(text), -1) {
		all = append(all, m[1]+" "+m[2]+" "+strings.ReplaceAll(m[3], "`", "")+": "+m[4])
	}
	slices.Sort(all)
	return all
}

// everything returns the metrics of a service in which everything has happened that there are
// metrics for.
func everything(t *testing.T, accept string) string {
	t.Helper()
	l := home(t, "listen = \"127.0.0.1:0\"\n")
	l.cfg.Alarm.Command = []string{filepath.Join(l.dir, "nobody")} // fails
	l.begin(nil)
	if err := l.end(); err != nil {
		t.Fatal(err)
	}
	l.begin(func(rt *service.Runtime) error {
		rt.HealthCheck("queue", func(context.Context) error { return errors.New("it is full") })
		return recovery.WriteWork(rt.StatePath(".journal"), recovery.Work{Begun: 1, SetAside: 2})
	})
	if err := l.rt.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.rt.Alarm("test", "somebody is to be told")
	wait.Until(t, "an alarm that fails", func() bool {
		c := l.rt.AlarmCounts()
		return len(c.Ways) > 0 && c.Ways[0].Failed > 0
	}, l.log)
	wait.Until(t, "word of the health check", func() bool { return len(l.rt.State().Health) > 0 }, l.log)
	at := l.url() + "/metrics"
	wait.Until(t, "the term", func() bool {
		_, body, _ := get(t, at)
		return strings.Contains(body, "holdfast_term{")
	})
	code, body, h := get(t, at, "Accept", accept)
	if code != 200 || accept != "" && !strings.HasPrefix(h.Get("Content-Type"), "application/openmetrics-text; version=1.0.0") {
		t.Fatalf("%d, %q", code, h.Get("Content-Type"))
	}
	if err := l.end(); err != nil {
		t.Fatal(err)
	}
	return body
}

// The table has all metrics, and every metric in it exists.
func TestEveryMetricIsDocumented(t *testing.T) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(everything(t, "")))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	others := map[string]bool{}
	for name, f := range families {
		if !strings.HasPrefix(name, "holdfast_") {
			others[name] = true
			continue
		}
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			if l.GetName() != "service" {
				labels = append(labels, l.GetName())
			} else if l.GetValue() != "feedd" {
				t.Errorf("%s is of the service %q", name, l.GetValue())
			}
		}
		slices.Sort(labels)
		slices.Reverse(labels) // version and manager, the only two labels
		got = append(got, name+" "+strings.ToLower(f.GetType().String())+" "+strings.Join(labels, ", ")+": "+f.GetHelp())
	}
	slices.Sort(got)
	want := documented(t)
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("not in the table: %s", line)
		}
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("in the table, and not told: %s", line)
		}
	}
	if !others["go_goroutines"] || !others["process_resident_memory_bytes"] && others["process_cpu_seconds_total"] {
		t.Errorf("client_golang's own are missing: %v", others)
	}
}

func TestOpenMetrics(t *testing.T) {
	body := everything(t, "application/openmetrics-text; version=1.0.0")
	if !strings.HasSuffix(body, "# EOF\n") || !strings.Contains(body, "# TYPE holdfast_reloads counter\n") {
		t.Errorf("that is not OpenMetrics:\n%s", body)
	}
	promtool := needPromtool(t)
	for name, tt := range map[string]struct {
		body string
		good bool
	}{
		"as it is":    {body, true},
		"without end": {strings.TrimSuffix(body, "# EOF\n"), false}, // promtool must detect this
	} {
		var dated strings.Builder // promtool checks OpenMetrics only when it creates blocks
		for line := range strings.Lines(tt.body) {
			if !strings.HasPrefix(line, "#") {
				line = strings.TrimSuffix(line, "\n") + " 1767355200\n"
			}
			dated.WriteString(line)
		}
		file := filepath.Join(t.TempDir(), "metrics")
		if err := os.WriteFile(file, []byte(dated.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), promtool, "tsdb", "create-blocks-from", "openmetrics", file, t.TempDir()).CombinedOutput()
		if good := err == nil; good != tt.good {
			t.Errorf("%s: promtool: %v\n%s", name, err, out)
		}
	}
}

func needPromtool(t *testing.T) string {
	t.Helper()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("no promtool here, which is in Debian's package prometheus")
	}
	return promtool
}

// Prometheus' own tool checks the names, types and texts.
func TestPromtoolLikesTheMetrics(t *testing.T) {
	promtool := needPromtool(t)
	var ours strings.Builder
	for line := range strings.Lines(everything(t, "")) {
		if strings.HasPrefix(strings.TrimLeft(line, "# HELPTY"), "holdfast_") {
			ours.WriteString(line)
		}
	}
	cmd := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	cmd.Stdin = strings.NewReader(ours.String())
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// Names that programs choose may be anything, and occur twice.
func TestWhateverNamesProgramsGive(t *testing.T) {
	health := []state.Health{{Name: "a"}, {Name: "a", OK: true}, {Name: "\xff\"\n{}"}, {Name: strings.Repeat("x", 1<<20)}, {Name: ""}}
	var steps []state.StopStep
	for i := range 1000 {
		steps = append(steps, state.StopStep{Name: strings.Repeat("s", i%300), Took: time.Second}, state.StopStep{Name: "\xff", Error: "no"})
	}
	for _, now := range []state.State{
		{},
		{Phase: platform.PhaseReady, Version: "\xff", Manager: "\x00", Health: health, Stop: &state.StopProgress{Steps: steps}},
		{Phase: "of a later version", Restarts: -1, Reloads: state.Reloads{Completed: 1, Failed: 2}},
	} {
		for _, last := range []recovery.LastRun{{}, {Started: time.Now(), Steps: steps}, {Started: time.Now(), Exit: &platform.Exit{Code: -1}}} {
			if n, err := metrics.Collect(now, last, &recovery.Work{Refused: "damaged"}); n < 10 || err != nil {
				t.Errorf("%d families, %v", n, err)
			}
		}
	}
}
