package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/holdfast-dev/holdfast/service/alarm"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

const (
	// restartLoop is the number of quick ends in a row that count as a restart loop.
	restartLoop = 3
	// lastAlarms limits how long a service that ends by a failure waits for alarms in
	// delivery.
	lastAlarms = 2 * time.Second
	// alarmsPatience limits the wait for the file of undelivered alarms, and notePatience the
	// wait of a second instance for its note.
	alarmsPatience = time.Second
	notePatience   = time.Second
)

// openAlarms starts the delivery of alarms, if it is configured, and raises those about the
// last run. A process that is not the one instance sends no alarms.
func (l *life) openAlarms() {
	if l.private != "" {
		return
	}
	host, _ := os.Hostname() // only people read it
	dirs := []string{l.dirs.State, l.dirs.Runtime}
	if f := l.cfg.Log.File; f != "" {
		dirs = append(dirs, filepath.Dir(f))
	}
	journal := l.dirs.JournalFile(l.id)
	l.alarms = alarm.Open(alarm.Options{
		Config: l.cfg.Alarm, Poster: l.cfg.AlarmWebhook, File: l.dirs.AlarmsFile(l.id),
		Service: l.id, Host: host, Version: l.cfg.Version, Term: l.term, Log: l.log,
		Dirs: dirs, Look: func(d *alarm.Desk) { lookAtWork(d, journal) },
		Changes: l.machine.watch(filepath.Dir(l.dirs.AlarmsFile(l.id))),
	})
	l.tellOfLastRun()
}

func (l *life) tellOfLastRun() {
	last := l.last
	if !last.Clean() && !last.Owing { // the run that owes has raised it
		kind := alarm.UncleanEnd
		if last.How() == recovery.Forced {
			kind = alarm.StopOverran
		}
		// If a stop overran and the manager killed the process, that run raised the alarm itself.
		l.alarms.RaiseUnless(ofRun(alarm.StopOverran, last.Term), ofRun(kind, last.Term), kind, "",
			fmt.Sprintf("the last run did not end cleanly: %s (%s; %d in a row)", last.Outcome(), last.How(), l.record.Restarts()))
	}
	if n := l.record.Soon(); n >= restartLoop {
		l.alarms.Raise(alarm.RestartLoop, "", fmt.Sprintf("it keeps restarting: %d runs in a row ended soon after their start, the last one: %s", n, last.Outcome()))
	}
	if last.Change == recovery.RolledBack {
		l.alarms.RaiseOnce(ofRun(alarm.RolledBack, last.Term), alarm.RolledBack, "",
			fmt.Sprintf("rolled back: version %s ran before, and %s runs now", cmp.Or(last.Version, "(none)"), cmp.Or(l.cfg.Version, "(none)")))
	}
}

// ofRun returns the id of an alarm that is raised once for a run, by that run or by the next
// one. It is empty if the run has no term, since such a run cannot be told from others.
func ofRun(kind alarm.Kind, term uint64) string {
	if term == 0 {
		return ""
	}
	return fmt.Sprintf("%s.%d", kind, term)
}

// lookAtWork raises or clears the alarm about work in the journal that needs somebody's
// attention.
func lookAtWork(d *alarm.Desk, journal string) {
	w, err := recovery.ReadWork(journal)
	if err != nil || w == nil {
		return
	}
	n := w.SetAside + w.Damaged + len(w.Aside)
	text := fmt.Sprintf("work needs attention: %d set aside after crashes, %d unreadable, %d journals set aside", w.SetAside, w.Damaged, len(w.Aside))
	if w.Refused != "" {
		n++
		text += "; the journal is not used: " + w.Refused
	}
	d.Level(alarm.PoisonWork, "", n, text)
}

// alarmOverrun raises the alarm about a stop that takes too long, once in a run.
func (l *life) alarmOverrun(err error, text string) {
	if errors.Is(err, ErrOverrun) || errors.Is(err, ErrForced) {
		l.alarms.RaiseOnce(ofRun(alarm.StopOverran, l.term), alarm.StopOverran, "", text)
	}
}

// onlyOverran reports whether all failures are steps of the stop that overran their time
// limit.
func (l *life) onlyOverran() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !slices.ContainsFunc(l.failures, func(err error) bool { return !errors.Is(err, ErrOverrun) })
}

// leaveAlarms raises the alarm about a bad end, and stops the delivery. After a failure it
// waits a moment for the delivery, within the time left for the stop. Otherwise it does not
// wait.
func (l *life) leaveAlarms(total *clock, failed error, reason string) {
	limit := alarmsPatience
	switch {
	case total.ctx.Err() != nil:
		l.alarmOverrun(context.Cause(total.ctx), "the stop was forced: "+reason)
		limit /= 4
	case failed != nil:
		told := ""
		if l.onlyOverran() {
			told = ofRun(alarm.StopOverran, l.term)
		}
		l.alarms.RaiseUnless(told, ofRun(alarm.UncleanEnd, l.term), alarm.UncleanEnd, "", fmt.Sprintf("the service failed (exit code %d): %s", ExitCode(failed), reason))
		l.alarms.Flush(total.ctx, min(lastAlarms, withoutRecords(total.left())))
	}
	if !l.alarms.Close(limit) {
		l.log.Warn("undelivered alarms may be lost", "error", ErrOverrun)
	}
}

// tellOfRefusal leaves a note for the running instance, which alone sends alarms for the
// service. A process of another user cannot do so; whoever started it learns of the refusal
// from its exit code.
func (l *life) tellOfRefusal(dirs Dirs, refused error) {
	if !l.cfg.Alarm.Enabled() {
		return
	}
	starter := l.host.Name()
	if starter == "" {
		starter = "hand"
	}
	now := time.Now()
	note := alarm.Note{
		Kind: alarm.SecondInstance, Count: 1, First: now, Last: now,
		Text: fmt.Sprintf("a second instance (process %d, started by %s) was refused: %s", os.Getpid(), starter, oneLine(refused)),
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), notePatience, ErrOverrun)
	defer cancel()
	if err := begin("note", func() error { return alarm.Leave(dirs.AlarmsFile(l.id), note) }).wait(ctx); err != nil {
		l.log.Debug("the running instance is not notified of this one", "error", err)
	}
}

// Alarm raises an alarm of the kind "program" about name. It is delivered in the background as
// [service.alarm] says, and it survives a crash. Alarms about the same name that follow soon
// are joined with it. Without [service.alarm] the call does nothing.
func (rt *Runtime) Alarm(name, text string) { rt.l.alarms.Raise(alarm.FromProgram, name, text) }

// AlarmCounts returns what has become of the alarms so far. Without [service.alarm] the result
// has no ways of delivery.
func (rt *Runtime) AlarmCounts() alarm.Counts { return rt.l.alarms.Counts() }
