package metrics

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// An answer is the result of /livez, /healthz and /readyz. Fields may only be added to its
// JSON form.
type answer struct {
	OK      bool           `json:"ok"`
	Service string         `json:"service"`
	Phase   platform.Phase `json:"phase"`
	Since   time.Time      `json:"since"`
	Reasons []string       `json:"reasons"` // why OK is false
	Checks  []state.Health `json:"checks"`
}

func (s *source) answer(now state.State) *answer {
	a := &answer{OK: true, Service: s.id, Phase: now.Phase, Since: now.PhaseSince, Reasons: []string{}, Checks: now.Health}
	if a.Checks == nil {
		a.Checks = []state.Health{}
	}
	if now.Phase == platform.PhaseReady && !now.ReadyAt.IsZero() { // a reload does not interrupt readiness
		a.Since = now.ReadyAt
	}
	return a
}

func (a *answer) no(format string, args ...any) {
	a.OK = false
	a.Reasons = append(a.Reasons, fmt.Sprintf(format, args...))
}

// live is not ok if a watchdog would act.
func (s *source) live() *answer {
	a := s.answer(s.now())
	for _, h := range a.Checks {
		if failing := time.Since(h.Since); !h.OK && s.watchdog > 0 && failing > s.watchdog {
			a.no("health check %s has failed for %v: %s", h.Name, failing.Round(time.Second), h.Error)
		}
	}
	return a
}

func (s *source) healthy() *answer {
	a := s.answer(s.now())
	for _, h := range a.Checks {
		if !h.OK {
			a.no("health check %s fails: %s", h.Name, h.Error)
		}
	}
	return a
}

func (s *source) ready() *answer {
	a := s.healthy()
	if !slices.Contains([]platform.Phase{platform.PhaseReady, platform.PhaseReloading, platform.PhaseStandby}, a.Phase) {
		a.no("it is %s", a.Phase)
	}
	return a
}

func (s *source) answerer(ask func(*source) *answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a := ask(s)
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		code := http.StatusOK
		if !a.OK {
			code = http.StatusServiceUnavailable
		}
		if r.URL.Query().Get("format") == "json" || strings.Contains(r.Header.Get("Accept"), "application/json") {
			h.Set("Content-Type", "application/json")
			w.WriteHeader(code)
			_ = json.NewEncoder(w).Encode(a) // the client may have gone
			return
		}
		h.Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(code)
		_, _ = w.Write([]byte(a.text()))
	}
}

// text returns the answer as lines of text. The first line has the outcome and the reasons.
func (a *answer) text() string {
	var b strings.Builder
	b.WriteString("ok: ")
	if !a.OK { // the phase alone may be "ready", which would be a contradiction
		b.Reset()
		fmt.Fprintf(&b, "not ok: %s\n", oneLine(strings.Join(a.Reasons, "; ")))
	}
	fmt.Fprintf(&b, "%s is %s since %s\n", a.Service, a.Phase, a.Since.Format(time.RFC3339))
	for _, h := range a.Checks {
		if h.OK {
			fmt.Fprintf(&b, "+ health check %s succeeds\n", oneLine(h.Name))
		}
	}
	return b.String()
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
