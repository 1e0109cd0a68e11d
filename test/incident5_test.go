//go:build linux || darwin

package test_test

import (
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// Patroni: start followed at once by reload killed the service. (Signals at every
// instant: process_instants_linux_test.go.)

// "Given a storm of SIGHUPs during a reload, then at least one reload starts
// after the last of them, and not one per signal."
func TestIncident5_StormDuringAReload(t *testing.T) {
	p := newPlace(t)
	a := p.ready(t, plan{Reload: "wait"})
	const storm = 200
	a.signal(t, syscall.SIGHUP)
	a.out.await(t, "reload 1 ")
	for range storm {
		a.signal(t, syscall.SIGHUP)
	}
	last, err := proc.Monotonic()
	must(t, err)
	for range 10 {
		a.order(t, "reload")
	}
	if begun := begunAt(t, a.out.await(t, "reload 2 ")); begun <= last {
		t.Errorf("the second reload began %v before the storm was over", last-begun)
	}
	a.stop(t)
	// One reload serves all requests that arrived during the first one. Requests that were
	// delayed in the kernel, the runtime or our code may cause a few more.
	if n := a.out.count("reload "); n > 6 {
		t.Errorf("%d reloads for %d signals", n, storm+1)
	}
}

// The same at full speed: whenever the SIGHUPs end, a reload begins after the last one.
func TestIncident5_StormsOfReloads(t *testing.T) {
	p := newPlace(t)
	a := p.ready(t, plan{})
	const storm = 100
	reloads := 0
	for range 10 {
		for range storm - 1 {
			a.signal(t, syscall.SIGHUP)
		}
		last, err := proc.Monotonic()
		must(t, err)
		a.signal(t, syscall.SIGHUP)
		for begun := time.Duration(0); begun <= last; reloads++ {
			begun = begunAt(t, a.out.await(t, "reload "))
		}
	}
	if s := p.status(t, 0); !s.Ready || s.Reloads.Failed != 0 {
		t.Errorf("status after the storms: %+v", s)
	}
	a.stop(t)
	if reloads > 10*storm/2 {
		t.Errorf("%d reloads for %d signals", reloads, 10*storm)
	}
	t.Logf("%d reloads for %d signals", reloads, 10*storm)
}

// begunAt is the time in a line "reload N TIME".
func begunAt(t *testing.T, line string) time.Duration {
	t.Helper()
	n, err := strconv.ParseInt(strings.Fields(line)[2], 10, 64)
	must(t, err)
	return time.Duration(n)
}

// "Given a failed reload, then the old configuration stays in force [...] and the person
// who asked gets the error and a non-zero exit": whether the program refuses it, or
// holdfast does before it calls the program. (For what the manager is told, see
// process_managed_linux_test.go.)
func TestIncident5_FailedReload(t *testing.T) {
	p := newPlace(t)
	p.configure(t, "[feedd]", `greeting = "one"`)
	a := p.ready(t, plan{Reload: "wait"})
	inForce := func(want string) {
		t.Helper()
		a.order(t, "tell")
		if got := a.out.await(t, "in force"); got != "in force: "+want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	inForce("one")

	failed := 0
	for name, c := range map[string]struct {
		lines []string
		order string // for a program that is asked
		says  []string
	}{
		"the program": {[]string{"[feedd]", `greeting = "two"`}, "reload fail port 80 is taken", []string{"port 80 is taken"}},
		"its table":   {[]string{"[feedd]", "greeting = 2"}, "reload", []string{"feedd.toml", ":2: ", "greeting"}},
		"its key":     {[]string{"[feedd]", `greting = "two"`}, "reload", []string{"feedd.toml", ":2: ", "greting", "unknown"}},
		"bad TOML":    {[]string{"[feedd]", `greeting = "two`}, "", []string{"feedd.toml", ":2: "}},
		"our table":   {[]string{"[service]", `stop_timeout = "-1s"`}, "", []string{"feedd.toml", ":2: ", "stop_timeout", "negative"}},
		"no table":    {[]string{"[fedd]"}, "", []string{"feedd.toml", ":1: ", "fedd", "unknown"}},
	} {
		p.configure(t, c.lines...)
		if c.order != "" {
			a.order(t, c.order)
		}
		if c.order == "" { // found before the service is asked, as `check` does
			p.do(t, "reload").want(t, 78, append(c.says, `reload "feedd"`, "not requested")...)
		}
		r := p.do(t, "reload", "--direct")
		failed++
		r.want(t, 1, append(c.says, `reload "feedd"`, platform.ErrRejected.Error())...)
		a.log.await(t, "the old configuration stays")
		inForce("one")
		s := p.status(t, 0)
		if !s.Ready || s.Reloads.Failed != uint64(failed) || !strings.Contains(s.Reloads.LastError, c.says[0]) {
			t.Errorf("%s: status: %+v", name, s)
		}
		p.do(t, "status").want(t, 0, "is ready", "refused: ", c.says[0])
	}

	p.configure(t, "[feedd]", `greeting = "two"`)
	a.order(t, "reload")
	p.do(t, "reload").want(t, 0)
	inForce("two")
	if s := p.status(t, 0); s.Reloads.LastError != "" || s.Reloads.Completed != uint64(failed+1) {
		t.Errorf("status after a reload that succeeded: %+v", s)
	}
	a.stop(t)
}

// "[...] the person who asked gets the error": each requester gets the outcome of a reload
// that began after the request. Those who ask during a reload share the next one.
func TestIncident5_EverybodyGetsTheOutcome(t *testing.T) {
	for name, c := range map[string]struct {
		first, second         string
		earlyCode, lateCode   int
		earlyHears, lateHears string
	}{
		"the first fails":  {"fail the disk is full", "", 1, 0, "the disk is full", ""},
		"the second fails": {"", "fail no such host", 0, 1, "", "no such host"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			a := p.ready(t, plan{Reload: "wait"})
			ask := func() *process {
				r := p.begin(t, "reload")
				a.log.await(t, "reload requested")
				return r
			}
			early := ask()
			a.out.await(t, "reload 1 ")
			var late []*process
			for range 8 {
				late = append(late, ask())
			}
			a.order(t, "reload "+c.first)
			early.end(t).want(t, c.earlyCode, c.earlyHears)
			a.order(t, "reload "+c.second)
			for _, r := range late {
				r.end(t).want(t, c.lateCode, c.lateHears)
			}
			a.stop(t)
			if n := a.out.count("reload "); n != 2 {
				t.Errorf("%d reloads, want 2", n)
			}
		})
	}
}

// A reload before readiness is held, and its requester waits.
func TestIncident5_ReloadBeforeReadyWaits(t *testing.T) {
	p := newPlace(t)
	a := p.start(t, plan{Start: "wait", Reload: "wait"})
	a.out.await(t, "start")
	reload := p.begin(t, "reload")
	a.log.await(t, "reload requested")
	p.do(t, "reload", "--timeout", "50ms").want(t, 1, `reload "feedd"`, "no outcome", platform.ErrTimeout.Error())
	a.log.await(t, "reload requested")
	p.do(t, "reload", "--no-wait").want(t, 0)
	a.log.await(t, "reload requested")
	if !reload.alive() || a.out.count("reload ") != 0 {
		t.Error("a service that is not ready has reloaded, or the command did not wait")
	}
	a.order(t, "start")
	a.out.await(t, "reload 1 ")
	a.order(t, "reload fail bad port")
	reload.end(t).want(t, 1, "bad port")
	a.stop(t)
	if n := a.out.count("reload "); n != 1 {
		t.Errorf("%d reloads for the early requests, want 1", n)
	}
}

// A reload that is requested after the stop began is refused, and the stop continues
// unchanged.
func TestIncident5_ReloadAfterStopBegan(t *testing.T) {
	p := newPlace(t)
	a := p.ready(t, plan{Stop: "wait"})
	a.signal(t, syscall.SIGTERM)
	a.out.await(t, "stop")
	reload := p.begin(t, "reload")
	a.log.await(t, "reload requested")
	a.order(t, "stop")
	a.end(t).want(t, 0)
	reload.end(t).want(t, 1, `reload "feedd"`, "it ended before it reloaded: asked to stop by SIGTERM")
	p.do(t, "reload").want(t, 1, "not running")
	if n := a.out.count("reload "); n != 0 {
		t.Errorf("%d reloads during a stop", n)
	}
	p.free(t)
}

// A reload that runs when a stop is requested is cancelled and awaited. It never runs
// beside Stop.
func TestIncident5_StopDuringAReload(t *testing.T) {
	p := newPlace(t)
	a := p.ready(t, plan{Reload: "heed"})
	reload := p.begin(t, "reload")
	a.out.await(t, "reload 1 ")
	a.signal(t, syscall.SIGTERM)
	a.end(t).want(t, 0)
	reload.end(t).want(t, 1, `reload "feedd"`)
	if got := words(a.out.text()); got != "start started reload refused stop" {
		t.Errorf("its life: %s", got)
	}
	p.free(t)
}

// words returns the first word of every line.
func words(text string) string {
	var all []string
	for line := range strings.Lines(text) {
		all = append(all, strings.Fields(line)[0])
	}
	return strings.Join(all, " ")
}
