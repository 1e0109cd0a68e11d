package doctor

import (
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// lastWords says how the last run ended.
func (l Life) lastWords() string {
	switch {
	case l.Ending != "":
		return l.Ending
	case l.LastExit != nil:
		return l.LastExit.Words()
	case l.LastRun != nil:
		return l.LastRun.Outcome
	}
	return "the reason is unknown"
}

func (l Life) endedAt() string {
	if l.EndedAt.IsZero() {
		return ""
	}
	return " on " + when(l.EndedAt)
}

// fails reports whether the service has failed and nobody restarts it.
func (l Life) fails() bool {
	return l.Down() && l.Phase == platform.PhaseFailed && l.Again == "" && l.Next == nil
}

// lines returns the last lines of the log, as details of a finding.
func (f Facts) lines() []string {
	const most = 8
	return slices.Clone(f.Log.Lines[max(0, len(f.Log.Lines)-most):])
}

func failed(f Facts) []Finding {
	l := f.Life
	if !l.fails() || l.GaveUp {
		return nil
	}
	return only(found(Error, "its last run failed%s, and nothing restarts it: %s", l.endedAt(), l.lastWords()).
		fix(f.line("start")).see(f.Log.Command).details(f.lines()...))
}

func gaveUp(f Facts) []Finding {
	l := f.Life
	if !l.fails() || !l.GaveUp {
		return nil
	}
	return only(found(Error, "it was restarted %s, as often as restart.max allows, and is not restarted any more: its last run ended%s: %s", times(l.Restarts), l.endedAt(), l.lastWords()).
		fix(f.line("start")).see(f.Log.Command).details(f.lines()...))
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// often is the number of restarts that make a restart loop.
const often = 3

func restartLoop(f Facts) []Finding {
	l := f.Life
	switch {
	case l.Down() && (l.Again != "" || l.Next != nil) && l.LastExit != nil && !l.LastExit.Clean:
		next := ""
		if l.Next != nil && !l.Next.At.IsZero() {
			next = ", next at " + l.Next.At.Local().Format(time.TimeOnly)
		}
		return only(found(Error, "it fails and is restarted (%s so far%s): %s", times(l.Restarts), next, l.lastWords()).see(f.Log.Command).details(f.lines()...))
	case l.Running && l.Phase == platform.PhaseStarting && l.Restarts > 0 && l.LastExit != nil && !l.LastExit.Clean:
		return only(found(Error, "it fails and is being restarted (%s so far): %s", times(l.Restarts), l.lastWords()).see(f.Log.Command).details(f.lines()...))
	case l.Running && l.Restarts >= often:
		s := Warning
		if f.Work != nil && f.Work.SetAside > 0 { // the work that made it crash is set aside
			s = Note
		}
		return only(found(s, "it runs, but was restarted %s within %v: %s", times(l.Restarts), l.Window, l.lastWords()).see(f.Log.Command))
	}
	return nil
}

func notRunning(f Facts) []Finding {
	l := f.Life
	switch {
	case !l.Down() || l.Phase == platform.PhaseFailed || l.Again != "" || l.Next != nil || !f.Definition.Installed:
		return nil
	case l.LastRun == nil && l.LastExit == nil:
		return only(found(Note, "it does not run, and has never run").fix(f.line("start")))
	}
	return only(found(Note, "it does not run: its last run ended%s: %s", l.endedAt(), l.lastWords()).fix(f.line("start")))
}

// lastRunUnreadable finds a record that does not say how the last run ended.
func lastRunUnreadable(f Facts) []Finding {
	l := f.Life
	if l.BadLastRun == "" {
		return nil
	}
	verb := "start"
	if l.Running {
		verb = "restart"
	}
	return only(found(Warning, "the record of its last run cannot be read: %s; the next start writes a new one", l.BadLastRun).fix(f.line(verb)))
}

// lastRunUnclean is only a note, because the service runs again. Repeated crashes are a
// [restartLoop].
func lastRunUnclean(f Facts) []Finding {
	l := f.Life
	if !l.Running || l.LastRun == nil {
		return nil
	}
	b := *l.LastRun
	switch recovery.How(b.How) {
	case recovery.None, recovery.Clean, recovery.RunsElsewhere, recovery.Unknown:
		return nil
	}
	ended := ""
	if !b.Ended.IsZero() {
		ended = " on " + when(b.Ended)
	}
	return only(found(Note, "the run before this one was not stopped in order (%s%s): %s", b.How, ended, b.Outcome).see(f.Log.Command))
}

func healthFailing(f Facts) []Finding {
	l := f.Life
	if !l.Running {
		return nil
	}
	bad := slices.DeleteFunc(slices.Clone(l.Health), func(h state.Health) bool { return h.OK })
	if len(bad) == 0 {
		return nil
	}
	top := found(Error, "process %d runs, and its health check %q fails since %s: %s", l.PID, bad[0].Name, when(bad[0].Since), bad[0].Error).see(f.Log.Command)
	for _, h := range bad[1:] {
		top = top.details(fmt.Sprintf("%s fails since %s: %s", h.Name, when(h.Since), h.Error))
	}
	return only(top)
}

func reloadFailed(f Facts) []Finding {
	l := f.Life
	if !l.Running || l.Reloads.Completed == 0 || l.Reloads.LastError == "" {
		return nil
	}
	return only(found(Warning, "the last reload, on %s, was refused, so the previous configuration stays in force: %s", when(l.Reloads.LastEnd), l.Reloads.LastError).fix(f.line("reload")))
}

func logUnreachable(f Facts) []Finding {
	if f.Log.Unreachable == "" {
		return nil
	}
	return only(found(Warning, "its log (%s) cannot be reached: %s", f.Log.Sink, f.Log.Unreachable).fix(f.Log.Allow))
}
