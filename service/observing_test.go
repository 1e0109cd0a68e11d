//go:build linux || darwin || windows

package service_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

// An observer is a program that observes events.
type observer struct {
	program
	observe func(context.Context, platform.Event)
}

func (o *observer) Observe(ctx context.Context, e platform.Event) { o.observe(ctx, e) }

// A configurable is a host that adapts to the configuration.
type configurable struct {
	*host
	configured chan platform.HostConfig
}

func (c configurable) Configure(x platform.HostConfig) { c.configured <- x }

func event(session int) platform.Request {
	return platform.Request{Kind: platform.RequestEvent, Source: "SESSIONCHANGE", Event: platform.Event{Kind: platform.EventLogon, Session: session}}
}

func TestObserverHearsOfEvents(t *testing.T) {
	b := newBench(t)
	seen := make(chan platform.Event)
	b.run(t.Context(), &observer{observe: func(_ context.Context, e platform.Event) { seen <- e }})
	b.requests <- event(1) // before readiness, so the event waits
	b.await(platform.PhaseReady)
	b.requests <- event(2)
	for session := 1; session <= 2; session++ {
		if e := <-seen; e != event(session).Event {
			t.Errorf("saw %+v, want session %d", e, session)
		}
	}
	b.stop()
	if err := b.end(); err != nil {
		t.Error(err)
	}
}

// A program that is busy with one event does not delay a stop.
func TestBusyObserver(t *testing.T) {
	b := newBench(t)
	b.run(t.Context(), &observer{observe: func(ctx context.Context, _ platform.Event) { <-ctx.Done() }})
	b.await(platform.PhaseReady)
	for session := range 100 {
		b.requests <- event(session)
	}
	b.stop()
	if err := b.end(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(b.logText(), "event lost") {
		t.Error("that events were lost is not in the log")
	}
}

func TestPanicOfAnObserver(t *testing.T) {
	b := newBench(t)
	b.run(t.Context(), &observer{observe: func(context.Context, platform.Event) { panic("oh") }})
	b.await(platform.PhaseReady)
	b.requests <- event(1)
	if err := b.end(); service.ExitCode(err) != platform.ExitCrashed {
		t.Errorf("got %v", err)
	}
}

func TestHostIsConfigured(t *testing.T) {
	for name, p := range map[string]service.Program{"plain": &program{}, "observer": &observer{}} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.cfg.StartTimeout, b.cfg.StopTimeout = 7*time.Second, 8*time.Second
			h := configurable{b.host, make(chan platform.HostConfig, 1)}
			go func() { b.done <- service.RunOn(t.Context(), h, nil, b.cfg, p) }()
			want := platform.HostConfig{StartTimeout: 7 * time.Second, StopTimeout: 8 * time.Second, Events: name == "observer"}
			if got := <-h.configured; got != want {
				t.Errorf("configured with %+v, want %+v", got, want)
			}
			b.await(platform.PhaseReady)
			b.stop()
			if err := b.end(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A manager that counts steps is told of each step that has ended.
func TestStepsOfTheStopAreTold(t *testing.T) {
	b := newBench(t)
	b.run(t.Context(), &program{start: func(_ context.Context, rt *service.Runtime) error {
		rt.OnStop("close the books", 0, func(context.Context) error { return nil })
		return nil
	}})
	b.await(platform.PhaseReady)
	b.stop()
	if err := b.end(); err != nil {
		t.Error(err)
	}
	var steps []string
	for len(b.notice) > 0 {
		if n := <-b.notice; n.Step != "" {
			steps = append(steps, n.Step)
		}
	}
	if got := strings.Join(steps, ", "); got != "end of Start, end of reload, Stop, goroutines, close the books" {
		t.Errorf("told of %s", got)
	}
}
