package scm

import (
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// A report says what is reported to the SCM, and when. It is a state machine without clocks
// and calls. The states follow each other in one direction, so late changes have no effect,
// for example readiness after the order to stop. The methods return whether there is something
// new to report.
type report struct {
	restart platform.Restart // as registered with the SCM; without a policy: unknown
	config  platform.HostConfig
	ordered bool // the SCM requested the stop
	stage   int  // index of the current state in life, from 1
	now     Status
}

// life returns the order of the states.
func (*report) life() [4]State { return [...]State{StartPending, Running, StopPending, Stopped} }

// firstHint is the wait hint before the configuration is known, and if it has no timeout.
const firstHint = 30 * time.Second

// enter changes to a state, unless the report has been in it already.
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
	if s == StartPending || s == StopPending { // otherwise both are 0
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

// advance reports progress in a pending state by a new checkpoint. A hint of 0 leaves the wait
// hint unchanged.
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

// begin makes the first report.
func (r *report) begin() bool { return r.enter(StartPending, firstHint) }

// configured handles the configuration when it is known.
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

// control handles a control of the SCM.
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

// end makes the last report, and has an effect only once.
func (r *report) end(code int) bool {
	if !r.enter(Stopped, 0) {
		return false
	}
	r.now.Win32Exit, r.now.ServiceExit = ended(r.restart, r.ordered, code)
	return true
}

func milliseconds(d time.Duration) uint32 { return uint32(min(d.Milliseconds(), 1<<31)) }
