package recovery

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// How is the way in which a run ended. Later versions may add values.
type How string

// The values of How.
const (
	None     How = "none"     // there was no run
	Clean    How = "clean"    // a stop was requested, and every step of it succeeded
	Forced   How = "forced"   // its stop overran, or was requested a second time
	Failed   How = "failed"   // it exited with a code by itself, or a step of its stop failed
	Panicked How = "panicked" // a panic, or another fault for which the Go runtime ended it
	Signaled How = "signaled" // by a signal that ends a process, other than SIGKILL
	Killed   How = "killed"   // by SIGKILL, or without a trace: os.Exit leaves none either
	Rebooted How = "rebooted" // the machine went down, for example by a power cut
	// RunsElsewhere: its process is still alive. What it owns must not be touched.
	RunsElsewhere How = "runs-elsewhere"
	Unknown       How = "unknown" // the record is damaged
)

// How returns the way in which the run ended.
func (l LastRun) How() How {
	switch {
	case !l.Known():
		return None
	case l.damaged:
		return Unknown
	case l.Forced:
		return Forced
	case l.Exit != nil:
		return howOf(*l.Exit)
	case l.Elsewhere:
		return RunsElsewhere
	case l.Seen != nil:
		return howOf(*l.Seen)
	case l.Reboot:
		return Rebooted
	}
	return Killed
}

func howOf(e platform.Exit) How {
	switch {
	case e.Clean:
		return Clean
	case e.Signal == "SIGKILL":
		return Killed
	case e.Signal != "":
		return Signaled
	case e.Code == platform.ExitCrashed, e.Code == exitFault:
		return Panicked
	}
	return Failed
}

// exitFault is the exit code of a process that Go's runtime ends because of a panic.
const exitFault = 2

// Crashed reports whether the run ended because something went wrong, so that the work in
// progress may be the reason. It is false if the run was stopped, even by force.
func (l LastRun) Crashed() bool {
	switch l.How() {
	case None, Clean, Forced, RunsElsewhere:
		return false
	}
	return true
}

// Outcome describes in a few words how the run ended.
func (l LastRun) Outcome() string {
	switch how := l.How(); {
	case how == None:
		return "none"
	case l.Owing && l.Exit != nil:
		return l.Exit.Reason + ", before it could recover from the run before"
	case l.Exit != nil:
		return l.Exit.Reason
	case how == RunsElsewhere:
		return "it still runs as process " + strconv.Itoa(l.Process.PID)
	case l.Seen != nil && how == Panicked:
		return l.Seen.Reason
	case l.Seen != nil:
		return l.Seen.Words()
	case how == Rebooted:
		return "cut off by the end of the machine's uptime"
	}
	return "killed or crashed without a trace"
}

// SeenFrom returns the run with Reboot and Elsewhere set from the point of view of self, a
// process that is alive now.
func (l LastRun) SeenFrom(self proc.Identity) LastRun {
	l.Reboot = l.Known() && !self.SameBoot(l.Process)
	if l.Known() && l.Exit == nil && !l.Reboot && !l.Process.Same(self) {
		alive, err := l.Process.Alive()
		l.Elsewhere = alive && err == nil
	}
	return l
}

// Change is the change of the program between two runs.
type Change string

// The values of Change.
const (
	Same       Change = ""
	Upgraded   Change = "upgraded"    // another version runs now
	RolledBack Change = "rolled-back" // an earlier version runs now, or a candidate was not confirmed
)

// change returns how the program changed from l to run.
func (l LastRun) change(run LastRun) Change {
	same := l.Version == run.Version
	switch {
	case !l.Known() || l.damaged:
		return Same
	case l.Trial != "" && run.Trial == "" && !(same && run.Version != ""):
		return RolledBack // possibly to a program without a version
	case run.Trial != "" && l.Trial != run.Trial && same:
		return Upgraded
	case same, l.Version == "", run.Version == "":
		return Same
	case older(run.Version, l.Version):
		return RolledBack
	}
	return Upgraded
}

// older reports whether version a precedes b, as far as that can be decided. Numbers are
// compared as numbers, and a pre-release precedes its release.
func older(a, b string) bool {
	a, aPre, aHas := split(a)
	b, bPre, bHas := split(b)
	switch order := compare(a, b); {
	case order != 0:
		return order < 0
	case aHas != bHas:
		return aHas
	}
	return compare(aPre, bPre) < 0
}

// split splits a version, without its build, in two: "v1.2.3-rc.1+7" becomes 1.2.3 and rc.1.
func split(version string) (release, pre string, isPre bool) {
	version, _, _ = strings.Cut(strings.TrimPrefix(version, "v"), "+")
	return strings.Cut(version, "-")
}

func compare(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(as), len(bs)) {
		x, y := part(as, i), part(bs, i)
		n, xerr := strconv.ParseUint(x, 10, 64)
		m, yerr := strconv.ParseUint(y, 10, 64)
		order := strings.Compare(x, y)
		if xerr == nil && yerr == nil {
			order = cmp.Compare(n, m)
		}
		if order != 0 {
			return order
		}
	}
	return 0
}

func part(all []string, i int) string {
	if i < len(all) {
		return all[i]
	}
	return "0"
}

// Summary returns a description of the run to show, or nil if there was none.
func (l LastRun) Summary() *state.Before {
	if !l.Known() {
		return nil
	}
	return &state.Before{
		How: string(l.How()), Outcome: l.Outcome(), Change: string(l.Change), Version: l.Version, Term: l.Term, PID: l.Process.PID,
		Started: l.Started, Ended: l.Ended,
	}
}
