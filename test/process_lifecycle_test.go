//go:build linux || darwin

package test_test

import (
	"slices"
	"strings"
	"syscall"
	"testing"
)

// Programs that fail, hang and panic, and signals at the wrong moment.

func TestBadInput_ProgramsThatGoWrong(t *testing.T) {
	const dump = "still running: goroutine"
	for name, c := range map[string]struct {
		how    plan
		config string // of [service]
		drive  func(t *testing.T, p *place, a *process)
		code   int
		says   []string // in the log
		life   string
	}{
		"Start fails": {
			how: plan{Start: "fail no input"}, code: 1,
			says: []string{"Start: no input", "exit_code=1"}, life: "start",
		},
		"Start panics": {
			how: plan{Start: "panic oh"}, code: 70,
			says: []string{"panic in Start: oh", "process_role_test.go", "exit_code=70"}, life: "start",
		},
		"Start overruns and gives up": {
			how: plan{Start: "heed"}, config: `start_timeout = "50ms"`, code: 1,
			says: []string{"overran its time limit of 50ms", "raise start_timeout", "Runtime.Progress"}, life: "start",
		},
		"Start hangs": {
			how: plan{Start: "hang"}, config: "start_timeout = \"50ms\"\nstop_timeout = \"1s\"", code: 1,
			says: []string{"overran its time limit of 50ms", "raise start_timeout", "end of Start", dump, "(*puppet).Start"}, life: "start",
		},
		"Stop fails": {
			how: plan{Stop: "fail half done"}, drive: terminate, code: 1,
			says: []string{"stop: Stop: half done"}, life: "start started stop",
		},
		"Stop panics": {
			how: plan{Stop: "panic oh"}, drive: terminate, code: 70,
			says: []string{"panic in Stop: oh", "process_role_test.go"}, life: "start started stop",
		},
		"Stop hangs": {
			how: plan{Stop: "hang"}, config: `stop_timeout = "1s"`, drive: terminate, code: 1,
			says: []string{"stop: Stop: overran its time limit", dump, "(*puppet).Stop"}, life: "start started stop",
		},
		"Reload panics": {
			how: plan{Reload: "panic oh"}, code: 70,
			drive: func(t *testing.T, p *place, a *process) {
				a.log.await(t, "ready: after=")
				p.do(t, "reload").want(t, 1, `reload "feedd"`, "panic in Reload: oh")
			},
			says: []string{"panic in Reload: oh", "process_role_test.go"}, life: "start started reload stop",
		},
		"Reload hangs": {
			how: plan{Reload: "hang"}, config: "reload_timeout = \"50ms\"\nstop_timeout = \"10s\"", code: 0,
			drive: func(t *testing.T, p *place, a *process) {
				a.log.await(t, "ready: after=")
				p.do(t, "reload").want(t, 1, `reload "feedd"`, "Reload overran its time limit of 50ms")
				p.do(t, "reload").want(t, 1, `reload "feedd"`, "an earlier reload", "still runs")
				a.signal(t, syscall.SIGTERM)
			},
			says: []string{"the old configuration stays"}, life: "start started reload stop",
		},
		"SIGTERM, Reload hangs": {
			how: plan{Reload: "hang"}, config: `stop_timeout = "2s"`, code: 1,
			drive: func(t *testing.T, _ *place, a *process) {
				a.log.await(t, "ready: after=")
				a.signal(t, syscall.SIGHUP)
				a.out.await(t, "reload 1 ")
				a.signal(t, syscall.SIGTERM)
			},
			says: []string{"end of reload: overran its time limit", dump, "(*puppet).Reload"}, life: "start started reload stop",
		},
		"SIGTERM before ready, noticed": {
			how: plan{Start: "heed"}, drive: terminateInStart, code: 0,
			says: []string{"asked to stop by SIGTERM", "clean=true"}, life: "start",
		},
		"SIGTERM before ready, not noticed": {
			how: plan{Start: "overlook"}, drive: terminateInStart, code: 0,
			says: []string{"asked to stop by SIGTERM", "clean=true"}, life: "start started stop",
		},
		"SIGTERM before ready, Start hangs": {
			how: plan{Start: "hang"}, config: `stop_timeout = "1s"`, drive: terminateInStart, code: 1,
			says: []string{"end of Start", "overran its time limit", dump, "(*puppet).Start"}, life: "start",
		},
		"SIGTERM twice, Stop hangs": {
			how: plan{Stop: "hang"}, code: 1,
			drive: func(t *testing.T, _ *place, a *process) {
				a.log.await(t, "ready: after=")
				a.signal(t, syscall.SIGTERM)
				a.out.await(t, "stop")
				a.signal(t, syscall.SIGTERM)
			},
			says: []string{"asked to stop again: exiting at once", "by=SIGTERM", "forced to exit by a second request", dump, "(*puppet).Stop"},
			life: "start started stop",
		},
		"SIGTERM, then ctrl-C, Start hangs": {
			how: plan{Start: "hang"}, code: 1,
			drive: func(t *testing.T, _ *place, a *process) {
				a.out.await(t, "start")
				a.signal(t, syscall.SIGTERM)
				a.log.await(t, "stopping")
				a.signal(t, syscall.SIGINT)
			},
			says: []string{"asked to stop again: exiting at once", "by=SIGINT", dump, "(*puppet).Start"}, life: "start",
		},
		"SIGHUP after stop began": {
			how: plan{Stop: "wait"}, code: 0,
			drive: func(t *testing.T, _ *place, a *process) {
				a.log.await(t, "ready: after=")
				a.signal(t, syscall.SIGTERM)
				a.out.await(t, "stop")
				for range 100 {
					a.signal(t, syscall.SIGHUP)
				}
				a.order(t, "stop")
			},
			says: []string{"clean=true"}, life: "start started stop",
		},
		"ctrl-C": {
			how: plan{}, code: 0,
			drive: func(t *testing.T, _ *place, a *process) {
				a.log.await(t, "ready: after=")
				a.signal(t, syscall.SIGINT)
			},
			says: []string{"asked to stop by SIGINT", "clean=true"}, life: "start started stop",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			if c.config != "" {
				p.configure(t, "[service]", c.config)
			}
			a := p.start(t, c.how)
			if c.drive != nil {
				c.drive(t, p, a)
			}
			r := a.end(t)
			if r.code != c.code {
				t.Errorf("exit code %d, want %d", r.code, c.code)
			}
			for _, text := range c.says {
				if !strings.Contains(r.err, text) {
					t.Errorf("the log does not say %q", text)
				}
			}
			if got := words(r.out); got != c.life {
				t.Errorf("its life was %q, want %q", got, c.life)
			}
			if strings.Contains(r.err, dump) && !slices.Contains(c.says, dump) {
				t.Error("all goroutines were dumped for nothing")
			}
			p.clean(t)
			last := p.last(t)
			if last.Clean() != (c.code == 0) || last.Exit == nil || last.Exit.Code != c.code {
				t.Errorf("the last run is remembered as %+v", last.Exit)
			}
			p.do(t, "status").want(t, 3)
			if c.config != "" { // its limits are for what goes wrong, and too short for a good start on a slow machine
				p.configure(t)
			}
			p.free(t)
		})
	}
}

func terminate(t *testing.T, _ *place, a *process) {
	a.log.await(t, "ready: after=")
	a.signal(t, syscall.SIGTERM)
}

func terminateInStart(t *testing.T, _ *place, a *process) {
	a.out.await(t, "start")
	a.signal(t, syscall.SIGTERM)
}
