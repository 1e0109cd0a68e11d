package metrics_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/metrics"
	"github.com/holdfast-dev/holdfast/test/wait"
)

type netListener struct{ net.ListenConfig }

func (l *netListener) listen(t *testing.T) (net.Listener, error) {
	return l.Listen(t.Context(), "tcp", "127.0.0.1:0")
}

func play(t *testing.T, now state.State, watchdog time.Duration, l metrics.Limits) *metrics.Played {
	t.Helper()
	p, err := metrics.Play(func() state.State { return now }, watchdog, l, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func limits() metrics.Limits {
	return metrics.Limits{Connections: 8, Scrapes: 2, Request: time.Minute, Scrape: time.Minute, Write: time.Minute}
}

// Each answer with its reasons, as text and as JSON.
func TestHealth(t *testing.T) {
	long, now := time.Now().Add(-time.Hour), time.Now()
	good := state.Health{Name: "db", OK: true, Since: long}
	bad := state.Health{Name: "queue", Since: now, Error: "it is\nfull"}
	worse := state.Health{Name: "queue", Since: long, Error: "it is full"}
	for _, c := range []struct {
		name     string
		phase    platform.Phase
		health   []state.Health
		watchdog time.Duration
		want     map[string]string // the problem in the text; empty: no problem
	}{
		{"ready", platform.PhaseReady, []state.Health{good}, 0, map[string]string{"livez": "", "healthz": "", "readyz": ""}},
		{"no checks", platform.PhaseReady, nil, 0, map[string]string{"livez": "", "healthz": "", "readyz": ""}},
		{"reloading", platform.PhaseReloading, nil, 0, map[string]string{"livez": "", "healthz": "", "readyz": ""}},
		{"starting", platform.PhaseStarting, nil, 0, map[string]string{"livez": "", "healthz": "", "readyz": "not ok: it is starting\n"}},
		{"stopping", platform.PhaseStopping, nil, 0, map[string]string{"livez": "", "healthz": "", "readyz": "not ok: it is stopping\n"}},
		{"unhealthy", platform.PhaseReady, []state.Health{good, bad}, 0, map[string]string{
			"livez": "", "healthz": "+ health check db succeeds", "readyz": "not ok: health check queue fails: it is full\nfeedd is ready since ",
		}},
		{"unhealthy, not for long", platform.PhaseReady, []state.Health{bad}, time.Minute, map[string]string{"livez": "", "healthz": "queue fails", "readyz": "queue fails"}},
		{"unhealthy for long, unwatched", platform.PhaseReady, []state.Health{worse}, 0, map[string]string{"livez": "", "healthz": "queue fails", "readyz": "queue fails"}},
		{"unhealthy for long", platform.PhaseReady, []state.Health{worse}, time.Minute, map[string]string{
			"livez": "not ok: health check queue has failed for 1h0m0s: it is full", "healthz": "queue fails", "readyz": "queue fails",
		}},
		{"both", platform.PhaseStarting, []state.Health{bad}, 0, map[string]string{"livez": "", "healthz": "queue fails", "readyz": "fails: it is full; it is starting\n"}},
	} {
		p := play(t, state.State{Phase: c.phase, PhaseSince: now, Health: c.health}, c.watchdog, limits())
		p.End(t.Context())
		for path, wrong := range c.want {
			code := http.StatusOK
			begin := "ok: feedd is " + string(c.phase) + " since "
			if wrong != "" {
				code, begin = http.StatusServiceUnavailable, "not ok: "
			}
			w := httptest.NewRecorder()
			p.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/"+path, http.NoBody))
			if got := w.Body.String(); w.Code != code || !strings.HasPrefix(got, begin) || !strings.Contains(got, wrong) {
				t.Errorf("%s: %s: %d %q, want %d and %q", c.name, path, w.Code, got, code, wrong)
			}
			for _, ask := range []func(*http.Request){
				func(r *http.Request) { r.Header.Set("Accept", "application/json, */*") },
				func(r *http.Request) { r.URL.RawQuery = "format=json" },
			} {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/"+path, http.NoBody)
				ask(r)
				w := httptest.NewRecorder()
				p.Handler().ServeHTTP(w, r)
				var got struct {
					OK      bool             `json:"ok"`
					Service string           `json:"service"`
					Phase   platform.Phase   `json:"phase"`
					Reasons []string         `json:"reasons"`
					Checks  []map[string]any `json:"checks"`
				}
				err := json.Unmarshal(w.Body.Bytes(), &got)
				if err != nil || w.Code != code || got.OK != (wrong == "") || (len(got.Reasons) > 0) != (wrong != "") || got.Phase != c.phase || len(got.Checks) != len(c.health) {
					t.Errorf("%s: %s as JSON: %d %s, %v", c.name, path, w.Code, w.Body, err)
				}
			}
		}
	}
}

// The time of readiness is that of `status`: it does not change at a reload.
func TestReadySinceDoesNotJumpAtAReload(t *testing.T) {
	long := time.Now().Add(-time.Hour)
	p := play(t, state.State{Phase: platform.PhaseReady, PhaseSince: time.Now(), ReadyAt: long}, 0, limits())
	p.End(t.Context())
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", http.NoBody))
	if want := "ok: feedd is ready since " + long.Format(time.RFC3339) + "\n"; w.Body.String() != want {
		t.Errorf("%q, want %q", w.Body, want)
	}
}

func TestWhatIsNotAskedForHere(t *testing.T) {
	p := play(t, state.State{Phase: platform.PhaseReady}, 0, limits())
	p.End(t.Context())
	for _, c := range []struct {
		method, path, body string
		code               int
	}{
		{http.MethodGet, "/", "", http.StatusOK},
		{http.MethodHead, "/readyz", "", http.StatusOK},
		{http.MethodGet, "/debug/pprof/", "", http.StatusNotFound},
		{http.MethodGet, "/metrics/../healthz", "", http.StatusTemporaryRedirect},
		{http.MethodPost, "/readyz", "", http.StatusMethodNotAllowed},
		{http.MethodDelete, "/metrics", "", http.StatusMethodNotAllowed},
		{http.MethodGet, "/healthz", "a body", http.StatusBadRequest},
	} {
		w := httptest.NewRecorder()
		p.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), c.method, c.path, strings.NewReader(c.body)))
		if w.Code != c.code && !(c.code == http.StatusTemporaryRedirect && w.Code == http.StatusMovedPermanently) {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, w.Code, c.code)
		}
	}
}

// Clients that send nothing, send slowly or read nothing keep their connections for a limited
// time. Proper requests are answered then.
func TestSlowClientsLetGo(t *testing.T) {
	short := limits()
	short.Request, short.Write = 300*time.Millisecond, 300*time.Millisecond
	p := play(t, state.State{Phase: platform.PhaseReady}, 0, short)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan struct{})
	go func() { p.Serve(ctx); close(served) }()
	var slow []net.Conn
	for i := range 5 * short.Connections {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", p.Addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		switch i % 3 {
		case 1:
			_, err = io.WriteString(c, "GET /metrics HTTP/1.1\r\nX-Dribble: ")
		case 2:
			_, err = io.WriteString(c, strings.Repeat("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 50))
		}
		if err != nil {
			t.Fatal(err)
		}
		slow = append(slow, c)
	}
	if code, body, _ := get(t, "http://"+p.Addr()+"/readyz"); code != http.StatusOK {
		t.Errorf("%d %s", code, body)
	}
	if _, err := bufio.NewReader(slow[0]).ReadByte(); err == nil {
		t.Error("who says nothing is not let go of")
	}
	stop()
	p.End(t.Context())
	wait.For(t, "the end", served)
}

// The end comes while all connections are in use and Accept waits.
func TestTheEndDoesNotWaitForASlot(t *testing.T) {
	p := play(t, state.State{Phase: platform.PhaseReady}, 0, limits())
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan struct{})
	go func() { p.Serve(ctx); close(served) }()
	for range 2 * limits().Connections {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", p.Addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	stop()
	p.End(ended)
	wait.For(t, "the end", served)
}

func TestMoreScrapesThanAllowedAreRefused(t *testing.T) {
	registry := prometheus.NewRegistry()
	inside, release := make(chan struct{}, 10), make(chan struct{})
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "slow", Help: "Slow."}, func() float64 {
		inside <- struct{}{}
		<-release
		return 1
	}))
	l := limits()
	l.Connections = 100
	p, err := metrics.Play(func() state.State { return state.State{} }, 0, l, registry)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan struct{})
	go func() { p.Serve(ctx); close(served) }()
	answers := make(chan string, 10)
	for range l.Scrapes {
		go func() {
			code, body, _ := get(t, "http://"+p.Addr()+"/metrics")
			answers <- fmt.Sprint(code, strings.Contains(body, "slow 1"))
		}()
	}
	for range l.Scrapes {
		wait.For(t, "a scrape", inside)
	}
	if code, _, _ := get(t, "http://"+p.Addr()+"/metrics"); code != http.StatusServiceUnavailable {
		t.Errorf("one more: %d", code)
	}
	close(release)
	for range l.Scrapes {
		if got := wait.For(t, "an answer", answers); got != "200 true" {
			t.Errorf("%s", got)
		}
	}
	stop()
	p.End(t.Context())
	wait.For(t, "the end", served)
}
