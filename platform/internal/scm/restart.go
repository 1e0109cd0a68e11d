package scm

import (
	"math"
	"slices"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// maxRestarts limits the list of actions, all of which are stored in the registry.
const maxRestarts = 1000

// recovery translates the restart policy: Max restarts, then nothing, and a new count after
// Window without a failure. So the SCM gives up no later than the unit requests, and resumes
// later.
func (d *definition) recovery(r platform.Restart, giveUp platform.WindowsGiveUp) *Recovery {
	rec := &Recovery{}
	d.CheckRestart(r)
	d.RefuseIfNot("windows.give_up", platform.OneOf(giveUp, platform.WindowsGiveUps()))
	reboot := giveUp == platform.WindowsReboot
	d.RefuseIf(reboot && (r.Policy == platform.RestartNever || r.Max < 0), "windows.give_up", "%q: with this restart policy the SCM never gives up", giveUp)
	if r.Policy == platform.RestartNever {
		return rec
	}
	d.RefuseIf(r.Policy == platform.RestartOnSuccess, "restart.policy", "%q: the SCM restarts failed services only", r.Policy)
	again := RecoveryAction{Restart: true, Delay: d.milliseconds("restart.delay", r.Delay)}
	last := RecoveryAction{}
	if reboot {
		last = RecoveryAction{Reboot: true, Delay: again.Delay}
	}
	switch {
	case r.Max > maxRestarts:
		d.Refuse("restart.max", "%d: is more than %d", r.Max, maxRestarts)
	case r.Max < 0:
		rec.Actions = []RecoveryAction{again} // the last action is repeated
	default:
		rec.Actions = append(slices.Repeat([]RecoveryAction{again}, r.Max), last)
	}
	rec.Reset = d.milliseconds("restart.window", r.Window) / 1000
	if r.Window%time.Second != 0 {
		rec.Reset++
	}
	rec.Codes = true
	return rec
}

func (d *definition) milliseconds(field string, t time.Duration) uint32 {
	if t < 0 || t.Milliseconds() >= math.MaxUint32 {
		d.Refuse(field, "%v: is not between 0 and 49 days", t)
		return 0
	}
	return uint32(t.Milliseconds())
}

// ended returns the codes to report for an end with code, so that the recovery actions follow
// the policy: see the package comment. ordered means that the SCM requested the stop. A
// service that an administrator stopped must not be restarted.
func ended(r platform.Restart, ordered bool, code int) (win32, own uint32) {
	if r.Policy == "" || r.Policy == platform.RestartNever { // report a failure; no recovery action follows
		r.Policy = platform.RestartOnFailure
	}
	if !ordered && r.Follows(code) {
		win32 = errServiceSpecific
	}
	return win32, uint32(code)
}

// next returns the start that the SCM will try after a failure, according to its recovery
// actions. The SCM does not say how many it has tried. It restarts after a process vanishes,
// and with Codes after an end that was reported as a failure, but not after a start that it
// could not carry out.
func (rec *Recovery) next(s Status) *platform.NextTry {
	failed := s.Win32Exit == errProcessAborted || s.Win32Exit == errServiceSpecific
	if rec == nil || !failed || len(rec.Actions) == 0 || !rec.Actions[0].Restart || s.Win32Exit != errProcessAborted && !rec.Codes {
		return nil
	}
	n := &platform.NextTry{Delay: time.Duration(rec.Actions[0].Delay) * time.Millisecond}
	if last := len(rec.Actions) - 1; !rec.Actions[last].Restart {
		n.Max, n.Window = last, time.Duration(rec.Reset)*time.Second
	}
	return n
}

// exit returns how a stopped service ended, or nil if it has not run since the machine was
// booted.
func (s Status) exit() *platform.Exit {
	switch s.Win32Exit {
	case errNeverStarted:
		return nil
	case 0, errServiceSpecific:
		return &platform.Exit{Clean: s.ServiceExit == 0, Code: int(s.ServiceExit), Reason: "exit code"}
	case errProcessAborted:
		return &platform.Exit{Code: -1, Reason: "its process was killed or crashed"}
	}
	return &platform.Exit{Code: int(s.Win32Exit), Reason: "error of Windows", Means: meaning(s.Win32Exit)}
}
