package scm

import (
	"math"
	"slices"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// maxRestarts bounds the list of actions: the registry holds each of them.
const maxRestarts = 1000

// recovery is the restart policy in the SCM's words: Max restarts, then nothing,
// and the count begins anew after Window without a failure. So it gives up no
// later than the unit wants, and stays so for longer.
func (d *definition) recovery(r platform.Restart, giveUp platform.WindowsGiveUp) *Recovery {
	rec := &Recovery{}
	d.CheckRestart(r)
	d.RefuseIfNot("windows.give_up", platform.OneOf(giveUp, platform.WindowsGiveUps()))
	reboot := giveUp == platform.WindowsReboot
	d.RefuseIf(reboot && (r.Policy == platform.RestartNever || r.Max < 0), "windows.give_up", "%q: with this restart policy it never gives up", giveUp)
	if r.Policy == platform.RestartNever {
		return rec
	}
	d.RefuseIf(r.Policy == platform.RestartOnSuccess, "restart.policy", "%q: the SCM starts again what has failed, and nothing else", r.Policy)
	again := RecoveryAction{Restart: true, Delay: d.milliseconds("restart.delay", r.Delay)}
	last := RecoveryAction{}
	if reboot {
		last = RecoveryAction{Reboot: true, Delay: again.Delay}
	}
	switch {
	case r.Max > maxRestarts:
		d.Refuse("restart.max", "%d: is more than %d", r.Max, maxRestarts)
	case r.Max < 0:
		rec.Actions = []RecoveryAction{again} // the last one is repeated
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

// ended is what to report of an end with code, so that the recovery actions do
// what the policy says: see the package comment. ordered is for a stop that the
// SCM ordered: it must not bring back what an administrator stopped.
func ended(r platform.Restart, ordered bool, code int) (win32, own uint32) {
	if r.Policy == "" || r.Policy == platform.RestartNever { // it is told as a failure, and nothing follows
		r.Policy = platform.RestartOnFailure
	}
	if !ordered && r.Follows(code) {
		win32 = errServiceSpecific
	}
	return win32, uint32(code)
}

// next is the start that the SCM is going to try after a failure, as far as its recovery
// actions tell: how many it has tried it keeps to itself. It follows processes that
// vanish and, where it was told so, ends that were reported as failures, but no start
// that it could not even make.
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

// exit is how a service that is stopped ended; nil if it has not run since the
// machine was started.
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
