package scm_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/scm"
)

// An ear receives the reports like the SCM.
type ear struct {
	mu    sync.Mutex
	heard []string
	last  scm.Status
	err   error
}

func (e *ear) set(s scm.Status) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last = s
	e.heard = append(e.heard, text(s))
	return e.err
}

func text(s scm.Status) string {
	out := s.State.String()
	if s.CheckPoint != 0 || s.WaitHint != 0 {
		out += fmt.Sprintf(" %d %v", s.CheckPoint, time.Duration(s.WaitHint)*time.Millisecond)
	}
	if s.Accepts != 0 {
		out += fmt.Sprintf(" accepts %#x", s.Accepts)
	}
	if s.State == scm.Stopped {
		out += fmt.Sprintf(" %d/%d", s.Win32Exit, s.ServiceExit)
	}
	return out
}

const (
	running  = "RUNNING accepts 0x10d"
	starting = "START_PENDING 1 30s"
)

func TestReports(t *testing.T) {
	configure := func(h *scm.Host) {
		h.Configure(platform.HostConfig{StartTimeout: time.Minute, StopTimeout: 20 * time.Second})
	}
	note := func(n platform.Notice) func(*scm.Host) { return func(h *scm.Host) { _ = h.Notify(n) } }
	ready, stopping := note(platform.Notice{Phase: platform.PhaseReady}), note(platform.Notice{Phase: platform.PhaseStopping})
	reloading := note(platform.Notice{Phase: platform.PhaseReloading})
	progress := note(platform.Notice{Text: "half", Extend: 90 * time.Second})
	words := note(platform.Notice{Text: "just words"})
	step := note(platform.Notice{Step: "goroutines"})
	order := func(c scm.Control) func(*scm.Host) { return func(h *scm.Host) { h.Handle(c, 0, 0) } }
	end := func(code int) func(*scm.Host) { return func(h *scm.Host) { _ = h.Close(code) } }
	policy := func(p platform.RestartPolicy) func(*scm.Host) {
		return func(h *scm.Host) {
			scm.Introduce(h, scm.Registration{Parameters: map[string]string{"Restart": string(p)}})
		}
	}
	type deeds = []func(*scm.Host)

	for name, tt := range map[string]struct {
		deeds deeds
		heard []string
	}{
		"a life": {
			deeds{configure, progress, words, ready, reloading, ready, stopping, step, step, end(0)},
			[]string{
				starting, "START_PENDING 2 1m10s", "START_PENDING 3 1m30s", running,
				"STOP_PENDING 1 30s", "STOP_PENDING 2 30s", "STOP_PENDING 3 30s", "STOPPED 0/0",
			},
		},
		"words are no progress":                  {deeds{words, words}, []string{starting}},
		"nothing moves when it is settled":       {deeds{ready, progress, step, configure}, []string{starting, running}},
		"ordered to stop":                        {deeds{ready, order(scm.ControlStop), stopping, step, end(0)}, []string{starting, running, "STOP_PENDING 1 30s", "STOP_PENDING 2 30s", "STOPPED 0/0"}},
		"readiness after the order comes late":   {deeds{order(scm.ControlShutdown), ready, progress, end(0)}, []string{starting, "STOP_PENDING 1 30s", "STOP_PENDING 2 1m30s", "STOPPED 0/0"}},
		"asked what it is":                       {deeds{configure, order(scm.ControlInterrogate), ready, order(scm.ControlInterrogate)}, []string{starting, "START_PENDING 2 1m10s", "START_PENDING 2 1m10s", running, running}},
		"a reload is no state":                   {deeds{ready, order(scm.ControlParamChange)}, []string{starting, running}},
		"stopped is the last word, and once":     {deeds{end(1), end(0), ready, stopping, step, order(scm.ControlStop)}, []string{starting, "STOPPED 1066/1"}},
		"a failure is to be followed":            {deeds{ready, stopping, end(70)}, []string{starting, running, "STOP_PENDING 1 30s", "STOPPED 1066/70"}},
		"a failure after an order is not":        {deeds{ready, order(scm.ControlPreshutdown), end(1)}, []string{starting, running, "STOP_PENDING 1 30s", "STOPPED 0/1"}},
		"already running is for good":            {deeds{end(75)}, []string{starting, "STOPPED 0/75"}},
		"not permitted is for good":              {deeds{end(77)}, []string{starting, "STOPPED 0/77"}},
		"a bad configuration is for good":        {deeds{policy("always"), end(78)}, []string{starting, "STOPPED 0/78"}},
		"always: brought back after its end":     {deeds{policy("always"), end(0)}, []string{starting, "STOPPED 1066/0"}},
		"always: not after an order":             {deeds{policy("always"), ready, order(scm.ControlStop), end(0)}, []string{starting, running, "STOP_PENDING 1 30s", "STOPPED 0/0"}},
		"never: a failure is still a failure":    {deeds{policy("never"), end(1)}, []string{starting, "STOPPED 1066/1"}},
		"on-failure: an end is left alone":       {deeds{policy("on-failure"), end(0)}, []string{starting, "STOPPED 0/0"}},
		"a hint that does not fit is cut":        {deeds{note(platform.Notice{Extend: 1e6 * time.Hour})}, []string{starting, "START_PENDING 2 596h31m23.648s"}},
		"session and power, if somebody listens": {deeds{func(h *scm.Host) { h.Configure(platform.HostConfig{Events: true}) }, ready}, []string{starting, "START_PENDING 2 10s", "RUNNING accepts 0x1cd"}},
	} {
		t.Run(name, func(t *testing.T) {
			var e ear
			h := scm.NewHost(e.set)
			if err := h.Begin(); err != nil {
				t.Fatal(err)
			}
			for _, do := range tt.deeds {
				do(h)
			}
			if !slices.Equal(e.heard, tt.heard) {
				t.Errorf("heard\n%q, want\n%q", e.heard, tt.heard)
			}
			_ = h.Close(0)
		})
	}
}

// The SCM's thread never blocks, even if the program is busy, and no control is lost.
func TestControlsNeverWait(t *testing.T) {
	var e ear
	h := scm.NewHost(e.set)
	_ = h.Begin()
	_ = h.Notify(platform.Notice{Phase: platform.PhaseReady})
	// Nobody receives.
	for range 1000 {
		h.Handle(scm.ControlParamChange, 0, 0)
		h.Handle(scm.ControlInterrogate, 0, 0)
		h.Handle(scm.ControlSessionChange, 5, 3)
	}
	h.Handle(scm.ControlStop, 0, 0)
	h.Handle(scm.ControlStop, 0, 0)
	if e.last.State != scm.StopPending {
		t.Errorf("the order was answered in state %v", e.last.State)
	}
	stops, reloads := 0, 0
	for stops < 2 || reloads < 1 {
		switch r := <-h.Requests(); r.Kind {
		case platform.RequestStop:
			stops++
			if r.Source != "STOP" {
				t.Errorf("from %s", r.Source)
			}
		case platform.RequestReload:
			reloads++
		}
	}
	if stops != 2 || reloads > 2 {
		t.Errorf("%d stops, %d reloads", stops, reloads)
	}
	_ = h.Close(0)
	h.Handle(scm.ControlStop, 0, 0)
	h.Ask(syscall.SIGTERM) // Ask does not block on a closed host either
}

// The shutdown of the machine is distinguished from the stop of the service.
func TestShutdownIsSaid(t *testing.T) {
	for control, want := range map[scm.Control]bool{scm.ControlStop: false, scm.ControlShutdown: true, scm.ControlPreshutdown: true} {
		var e ear
		h := scm.NewHost(e.set)
		_ = h.Begin()
		h.Handle(control, 0, 0)
		if r := <-h.Requests(); r.Kind != platform.RequestStop || r.Shutdown != want {
			t.Errorf("%v became %+v", control, r)
		}
		_ = h.Close(0)
	}
}

func TestEvents(t *testing.T) {
	var e ear
	h := scm.NewHost(e.set)
	for _, tt := range []struct {
		control scm.Control
		code    uint32
		want    platform.Event
	}{
		{scm.ControlSessionChange, 1, platform.Event{Kind: platform.EventConsoleConnect, Session: 7}},
		{scm.ControlSessionChange, 5, platform.Event{Kind: platform.EventLogon, Session: 7}},
		{scm.ControlSessionChange, 8, platform.Event{Kind: platform.EventUnlock, Session: 7}},
		{scm.ControlPowerEvent, 4, platform.Event{Kind: platform.EventSuspend}},
		{scm.ControlPowerEvent, 0x12, platform.Event{Kind: platform.EventResume}},
		{scm.ControlPowerEvent, 10, platform.Event{Kind: platform.EventPowerChange}},
	} {
		h.Handle(tt.control, 0x999, 7) // unknown: not delivered
		if code := h.Handle(tt.control, tt.code, 7); code != 0 {
			t.Errorf("answered %d", code)
		}
		r := <-h.Requests()
		if r.Kind != platform.RequestEvent || r.Event != tt.want || r.Source != tt.control.String() {
			t.Errorf("%v %d became %+v", tt.control, tt.code, r)
		}
	}
	if code := h.Handle(99, 0, 0); code != 120 {
		t.Errorf("an unknown control is answered %d", code)
	}
	_ = h.Close(0)
}

func TestAskedBesideTheSCM(t *testing.T) {
	var e ear
	h := scm.NewHost(e.set)
	_ = h.Begin()
	go h.Ask(syscall.SIGHUP)
	if r := <-h.Requests(); r.Kind != platform.RequestReload || r.Source != "SIGHUP" {
		t.Errorf("%+v", r)
	}
	go h.Ask(syscall.SIGTERM)
	if r := <-h.Requests(); r.Kind != platform.RequestStop || r.Source != "SIGTERM" {
		t.Errorf("%+v", r)
	}
	_ = h.Notify(platform.Notice{Phase: platform.PhaseStopping})
	_ = h.Close(1)
	// The SCM did not request the end, so the restart policy applies.
	if got := e.heard[len(e.heard)-1]; got != "STOPPED 1066/1" {
		t.Errorf("the last report is %s", got)
	}
}

func TestLostReport(t *testing.T) {
	e := ear{err: errors.New("RPC")}
	h := scm.NewHost(e.set)
	if err := h.Notify(platform.Notice{Phase: platform.PhaseReady}); !errors.Is(err, e.err) {
		t.Errorf("got %v", err)
	}
	if err := h.Close(0); !errors.Is(err, e.err) {
		t.Errorf("got %v", err)
	}
	if h.Name() != "scm" || h.Watchdog() != 0 {
		t.Errorf("%q, %v", h.Name(), h.Watchdog())
	}
}

// Reports of many goroutines are in order: the checkpoint only grows, and nothing follows
// STOPPED.
func TestReportsInOrder(t *testing.T) {
	var e ear
	var last uint32
	h := scm.NewHost(func(s scm.Status) error {
		if s.State == scm.StartPending && s.CheckPoint <= last {
			t.Errorf("checkpoint %d after %d", s.CheckPoint, last)
		}
		last = s.CheckPoint
		return e.set(s)
	})
	_ = h.Begin()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				_ = h.Notify(platform.Notice{Extend: time.Second})
			}
		})
	}
	all.Go(func() { _ = h.Close(0) })
	all.Wait()
	if i := slices.Index(e.heard, "STOPPED 0/0"); i != len(e.heard)-1 {
		t.Errorf("%d reports after the last", len(e.heard)-1-i)
	}
}
