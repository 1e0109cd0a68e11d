package test_test

import (
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Signals at every instant between the first thing that Run does and readiness.

// lives is how often a test of instants runs the service.
func lives(n int) int {
	if testing.Short() {
		return n / 20
	}
	return n
}

// meanwhile waits for a part of the few milliseconds in which the service gets ready.
func meanwhile() { time.Sleep(rand.N(20 * time.Millisecond)) }

// "Given SIGTERM at the very instant of READY=1 (or at any instant after Run began), 1000
// times, then the ordered stop runs every time." The exit code is always 0, and nothing is
// left behind.
func TestIncident5_SIGTERMAtAnyInstant(t *testing.T) {
	var before, within, after atomic.Int64 // Start
	atOnce(t, lives(1000), func(t *testing.T, i int, p place) {
		g := p.gated(t)
		m := newManager(t).listen()
		// Start takes no time, or as long as the test lets it. It may notice the stop and give
		// up, or return as usual.
		how := plan{Start: []string{"", "", "", "heed", "", "", "", "overlook"}[i%8]}
		a := m.managed(&p).start(t, how)
		g.begun(t, a)
		switch {
		case i%2 == 0:
			m.await(t, "READY=1")
			a.signal(t, syscall.SIGTERM)
		case i%40 == 1: // before anything else
			a.signal(t, syscall.SIGTERM)
		default:
			meanwhile()
			a.signal(t, syscall.SIGTERM)
		}
		a.end(t).want(t, 0)
		started, stopped := a.out.count("started"), a.out.count("stop")
		if started != stopped {
			t.Errorf("Start succeeded %d times, Stop was called %d times", started, stopped)
		}
		switch {
		case a.out.count("start") == 0:
			before.Add(1)
		case how.Start == "heed" || how.Start == "overlook":
			within.Add(1)
		default:
			after.Add(1)
		}
		if last := p.last(t); !last.Clean() {
			t.Errorf("the last run was not clean: %+v", last)
		}
		if !strings.Contains(a.log.text(), "stopped: clean=true") {
			t.Error("the log does not say that it stopped")
		}
		p.clean(t)
	})
	t.Logf("SIGTERM came %d times before Start, %d within it, %d after it", before.Load(), within.Load(), after.Load())
}

// "Given exec just happened, when SIGHUP arrives at any instant after Run began,
// before ready, then the process lives and exactly one reload runs after ready."
func TestIncident5_SIGHUPAtAnyInstant(t *testing.T) {
	atOnce(t, lives(240), func(t *testing.T, i int, p place) {
		g := p.gated(t)
		m := newManager(t).listen()
		how := plan{}
		if i%4 == 0 {
			how.Start = "wait" // the signal is certainly earlier than ready
		}
		a := m.managed(&p).start(t, how)
		g.begun(t, a)
		if i%10 != 1 { // one in ten before anything else
			meanwhile()
		}
		a.signal(t, syscall.SIGHUP)
		if how.Start == "wait" {
			a.order(t, "start")
		}
		a.out.await(t, "reloaded 1")
		m.await(t, "READY=1")
		m.await(t, "RELOADING=1")
		m.await(t, "READY=1") // the reload is over
		a.stop(t)
		if got := words(a.out.text()); got != "start started reload reloaded stop" {
			t.Errorf("its life: %s", got)
		}
		p.clean(t)
	})
}

// If the parent ignores SIGHUP, as the init scripts do, even the time between exec and Run
// is safe. Run receives SIGHUP nevertheless.
func TestIncident5_SIGHUPBeforeRunBegan(t *testing.T) {
	for range lives(40) {
		p := newPlace(t)
		p.through = []string{"/bin/sh", "-c", `trap '' HUP; echo "trapped"; exec "$0" "$@"`}
		a := p.start(t, plan{})
		a.out.await(t, "trapped")
		for !strings.Contains(a.log.text(), "ready: after=") {
			a.signal(t, syscall.SIGHUP) // again and again
		}
		a.signal(t, syscall.SIGHUP) // now it certainly listens
		a.out.await(t, "reload 1")
		a.stop(t)
		p.clean(t)
	}
}

// A signal that arrives after the end of the life must not turn the exit code into a death
// by signal: managers treat that as a clean end, and do not restart the service.
func TestIncident5_LateSignalDoesNotChangeTheExitCode(t *testing.T) {
	atOnce(t, lives(200), func(t *testing.T, i int, p place) {
		g := p.gated(t)
		how, want := plan{}, 0
		if i%2 == 1 {
			how, want = plan{Start: "fail no input"}, 1
		}
		a := p.start(t, how)
		g.begun(t, a)
		if want == 0 {
			a.log.await(t, "ready: after=")
			a.signal(t, syscall.SIGTERM)
		}
		for a.cmd.Process.Signal(syscall.SIGHUP) == nil {
			continue // until it is gone
		}
		a.end(t).want(t, want)
		p.clean(t)
	})
}
