package scm

import (
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// report is what the SCM hears of a service, and when: a state machine without
// clocks and calls. The states follow one another in one direction only, so what
// comes too late changes nothing: a readiness after the order to stop, for one. Each
// method reports whether there is something new to report.
type report struct {
	restart platform.Restart // that the SCM was told; without a policy: not known
	config  platform.HostConfig
	ordered bool // the SCM ordered the stop
	stage   int  // how far it has come, in the order of a life
	now     Status
}

// life is the order of the states.
func (*report) life() [4]State { return [...]State{StartPending, Running, StopPending, Stopped} }

// firstHint is the time that a service asks for before its configuration is
// known, and where nobody says how long it may take.
const firstHint = 30 * time.Second

// enter goes on to a state, unless it has been there.
func (r *report) enter(s State, hint time.Duration) bool {
	for stage, other := range r.life() {
		if other != s {
			continue
		}
		if stage+1 <= r.stage {
			return false
		}
		r.stage = stage + 1
	}
	r.now = Status{State: s}
	if s == StartPending || s == StopPending { // in settled states both are 0
		r.now.CheckPoint, r.now.WaitHint = 1, milliseconds(hint)
	}
	if s == Running { // pending states accept nothing: see SERVICE_STATUS
		r.now.Accepts = acceptStop | acceptShutdown | acceptPreshutdown | acceptParamChange
		if r.config.Events {
			r.now.Accepts |= acceptPowerEvent | acceptSessionChange
		}
	}
	return true
}

// advance is progress in a pending state: the checkpoint moves. A hint of 0
// leaves the time that is asked for as it was.
func (r *report) advance(hint time.Duration) bool {
	if r.now.CheckPoint == 0 {
		return false
	}
	r.now.CheckPoint++
	if hint > 0 {
		r.now.WaitHint = milliseconds(hint)
	}
	return true
}

// begin is the first report.
func (r *report) begin() bool { return r.enter(StartPending, firstHint) }

// configured: the configuration is known.
func (r *report) configured(c platform.HostConfig) bool {
	r.config = c
	return r.now.State == StartPending && r.advance(c.StartTimeout+platform.StopMargin)
}

func (r *report) notice(n platform.Notice) bool {
	switch {
	case n.Phase == platform.PhaseReady:
		return r.enter(Running, 0)
	case n.Phase == platform.PhaseStopping:
		return r.stopping()
	case n.Extend > 0 || n.Step != "":
		return r.advance(n.Extend)
	}
	return false
}

func (r *report) stopping() bool {
	hint := firstHint
	if r.config.StopTimeout > 0 {
		hint = r.config.StopTimeout + platform.StopMargin
	}
	return r.enter(StopPending, hint)
}

// control is an order of the SCM.
func (r *report) control(c Control) bool {
	switch c {
	case ControlStop, ControlShutdown, ControlPreshutdown:
		r.ordered = true
		return r.stopping()
	case ControlInterrogate:
		return r.now.State != 0
	}
	return false
}

// end is the last report, and comes once.
func (r *report) end(code int) bool {
	if !r.enter(Stopped, 0) {
		return false
	}
	r.now.Win32Exit, r.now.ServiceExit = ended(r.restart, r.ordered, code)
	return true
}

func milliseconds(d time.Duration) uint32 { return uint32(min(d.Milliseconds(), 1<<31)) }
