package main_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	observe "github.com/holdfast-dev/holdfast/examples/observe"
	"github.com/holdfast-dev/holdfast/test/wait"
)

const roleVariable = "HOLDFAST_TEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) == "observe" {
		os.Exit(observe.Run())
	}
	os.Exit(m.Run())
}

func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), roleVariable+"=observe")
	return cmd
}

// TestLife runs the program as a process. Its own counter appears beside the metrics of
// holdfast, and it stops even if clients hang on it.
func TestLife(t *testing.T) {
	dir := t.TempDir()
	file, logFile := filepath.Join(dir, "observe.toml"), filepath.Join(dir, "log")
	if err := os.WriteFile(file, []byte("[service]\nlog.file = '"+logFile+"'\n[service.metrics]\nlisten = '127.0.0.1:0'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	at := []string{"--config", file, "--runtime-dir", filepath.Join(dir, "run"), "--state-dir", filepath.Join(dir, "state"), "--manager", "none"}
	cmd := command(t, append([]string{"run"}, at...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(wait.Limit, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	log := func() string {
		b, _ := os.ReadFile(logFile)
		return string(b)
	}
	var url string
	wait.Until(t, "the listener", func() bool {
		m := regexp.MustCompile(`listen=(127\S+)`).FindStringSubmatch(log())
		if m != nil {
			url = "http://" + m[1]
		}
		return m != nil
	})
	wait.Until(t, "readiness", func() bool { code, _ := get(t, url+"/readyz"); return code == http.StatusOK }, log)
	wait.Until(t, "a tick", func() bool {
		_, body := get(t, url+"/metrics")
		return strings.Contains(body, "\nobserve_ticks_total ") && !strings.Contains(body, "\nobserve_ticks_total 0\n")
	}, log)
	if out, err := command(t, append([]string{"stop"}, at...)...).CombinedOutput(); err != nil {
		t.Errorf("stop: %v\n%s", err, out)
	}
	if err := cmd.Wait(); err != nil || !strings.Contains(log(), "stopped: clean=true") {
		t.Errorf("%v\n%s", err, log())
	}
}

// get asks once, on a new connection. The code is 0 if there is no answer, because on Wine an
// answer does not always arrive.
func get(t *testing.T, url string) (code int, body string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(text)
}

// documented returns the names of the metrics in README.md.
func documented(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, m := range regexp.MustCompile("`((?:holdfast|process|go)_[a-z_]+[a-z])`").FindAllStringSubmatch(read(t, "README.md"), -1) {
		names = append(names, m[1])
	}
	if len(names) < 20 {
		t.Fatalf("only %q", names)
	}
	return names
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// undocumented returns the metrics in a query that are not in README.md.
func undocumented(names []string, query string) (all []string) {
	for _, name := range regexp.MustCompile(`\b(holdfast|process|go|node|observe)_[a-z_]+`).FindAllString(query, -1) {
		plain := name
		for _, suffix := range []string{"_sum", "_count"} { // suffixes of a summary
			plain = strings.TrimSuffix(plain, suffix)
		}
		if !slices.Contains(names, name) && !slices.Contains(names, plain) && name != "node_textfile_mtime_seconds" {
			all = append(all, name)
		}
	}
	return all
}

// unshown are the metrics that no panel and no rule uses. Other metrics show the same to
// people.
var unshown = []string{
	"holdfast_phase_start_time_seconds", "holdfast_ready_time_seconds", "holdfast_term", "holdfast_reload_requests_total",
	"holdfast_reload_last_time_seconds", "holdfast_health_check_since_time_seconds", "holdfast_last_run_end_time_seconds",
	"holdfast_last_run_exit_code", "holdfast_last_stop_step_failed",
}

func TestTheDashboardAsksForWhatThereIs(t *testing.T) {
	var d struct {
		Title  string `json:"title"`
		Panels []struct {
			ID      int    `json:"id"`
			Title   string `json:"title"`
			Targets []struct {
				Expr string `json:"expr"`
			} `json:"targets"`
		} `json:"panels"`
	}
	text := read(t, "dashboard.json")
	if err := json.Unmarshal([]byte(text), &d); err != nil || d.Title == "" || len(d.Panels) < 10 {
		t.Fatalf("%v, %+v", err, d)
	}
	names := documented(t)
	seen := map[int]bool{}
	for _, p := range d.Panels {
		if seen[p.ID] || len(p.Targets) == 0 {
			t.Errorf("panel %q: its number %d is another's, or it asks for nothing", p.Title, p.ID)
		}
		seen[p.ID] = true
		for _, target := range p.Targets {
			if !strings.Contains(target.Expr, "holdfast_") {
				t.Errorf("panel %q is not about our services: %s", p.Title, target.Expr)
			}
		}
	}
	if bad := undocumented(names, text); bad != nil {
		t.Errorf("nobody has documented %q", bad)
	}
	text += read(t, "alerts.yml")
	for _, name := range names {
		if strings.HasPrefix(name, "holdfast_") && !strings.Contains(text, name) && !slices.Contains(unshown, name) {
			t.Errorf("%s is in no panel and no rule", name)
		}
	}
	if bad := undocumented(names, "sum(holdfast_reload_duration_seconds_sum) / holdfast_reloads"); !slices.Equal(bad, []string{"holdfast_reloads"}) {
		t.Errorf("the test itself finds %q", bad)
	}
}

func TestAlertRules(t *testing.T) {
	rules, tests := read(t, "alerts.yml"), read(t, "alerts.test.yml")
	if bad := undocumented(documented(t), rules+tests); bad != nil {
		t.Errorf("nobody has documented %q", bad)
	}
	for _, m := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(rules, -1) {
		if n := len(regexp.MustCompile(`alertname: `+m[1]+`\n\s+exp_alerts:`).FindAllString(strings.ReplaceAll(tests, "\r", ""), -1)); n == 0 {
			t.Errorf("no test has seen %s", m[1])
		}
		if !strings.Contains(tests, "{eval_time: 30m, alertname: "+m[1]+"}") {
			t.Errorf("no test has seen that all is well for %s", m[1])
		}
	}
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("no promtool here, which is in Debian's package prometheus")
	}
	for _, args := range [][]string{{"check", "rules", "alerts.yml"}, {"test", "rules", "alerts.test.yml"}} {
		if out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %q: %v\n%s", args, err, out)
		}
	}
}
