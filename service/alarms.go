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
	// restartLoop is how many runs in a row that ended soon are a loop.
	restartLoop = 3
	// lastAlarms is how long the end of a service that fails waits for alarms under way.
	lastAlarms = 2 * time.Second
	// alarmsPatience is how long it waits for the file with those that are not delivered,
	// and notePatience a second instance for its note.
	alarmsPatience = time.Second
	notePatience   = time.Second
)

// openAlarms begins to tell, where anybody is to be told, and tells of the last run. A
// process that is not the one instance speaks for nobody.
func (l *life) openAlarms() {
	if l.private != "" {
		return
	}
	host, _ := os.Hostname() // it is for people
	dirs := []string{l.dirs.State, l.dirs.Runtime}
	if f := l.cfg.Log.File; f != "" {
		dirs = append(dirs, filepath.Dir(f))
	}
	journal := l.dirs.JournalFile(l.id)
	l.alarms = alarm.Open(alarm.Options{
		Config: l.cfg.Alarm, Poster: l.cfg.AlarmWebhook, File: l.dirs.AlarmsFile(l.id),
		Service: l.id, Host: host, Version: l.cfg.Version, Term: l.term, Log: l.log,
		Dirs: dirs, Look: func(d *alarm.Desk) { lookAtWork(d, journal) },
	})
	l.tellOfLastRun()
}

func (l *life) tellOfLastRun() {
	last := l.last
	if !last.Clean() {
		kind := alarm.UncleanEnd
		if last.How() == recovery.Forced {
			kind = alarm.StopOverran
		}
		// A stop that overran, and that the manager cut off, was told of by that run.
		l.alarms.RaiseUnless(ofRun(alarm.StopOverran, last.Term), ofRun(kind, last.Term), kind, "",
			fmt.Sprintf("the last run did not end cleanly: %s (%s; %d in a row)", last.Outcome(), last.How(), l.record.Restarts()))
	}
	if n := l.record.Soon(); n >= restartLoop {
		l.alarms.Raise(alarm.RestartLoop, "", fmt.Sprintf("started again and again: %d runs in a row ended soon, the last one: %s", n, last.Outcome()))
	}
	if last.Change == recovery.RolledBack {
		l.alarms.RaiseOnce(ofRun(alarm.RolledBack, last.Term), alarm.RolledBack, "",
			fmt.Sprintf("rolled back: version %s ran, and now runs %s", cmp.Or(last.Version, "(none)"), cmp.Or(l.cfg.Version, "(none)")))
	}
}

// ofRun is the id of what is told of a run once, by itself or by the next. A run without
// a number cannot be told from others.
func ofRun(kind alarm.Kind, term uint64) string {
	if term == 0 {
		return ""
	}
	return fmt.Sprintf("%s.%d", kind, term)
}

// lookAtWork takes from what the journal says of itself.
func lookAtWork(d *alarm.Desk, journal string) {
	w, err := recovery.ReadWork(journal)
	if err != nil || w == nil {
		return
	}
	n := w.SetAside + w.Damaged + len(w.Aside)
	text := fmt.Sprintf("work waits for somebody: %d set aside for crashes, %d that cannot be read, %d journals set aside", w.SetAside, w.Damaged, len(w.Aside))
	if w.Refused != "" {
		n++
		text += "; the journal is not used: " + w.Refused
	}
	d.Level(alarm.PoisonWork, "", n, text)
}

// alarmOverrun tells of a stop that takes too long, once.
func (l *life) alarmOverrun(err error, text string) {
	if errors.Is(err, ErrOverrun) || errors.Is(err, ErrForced) {
		l.alarms.RaiseOnce(ofRun(alarm.StopOverran, l.term), alarm.StopOverran, "", text)
	}
}

// onlyOverran reports whether nothing else has failed than steps of the stop, by their time.
func (l *life) onlyOverran() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !slices.ContainsFunc(l.failures, func(err error) bool { return !errors.Is(err, ErrOverrun) })
}

// leaveAlarms tells of an end that is none in order, and ends what goes on. Such an end
// waits for that, a moment and within the stop's time; any other does not.
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
		l.alarms.RaiseUnless(told, ofRun(alarm.UncleanEnd, l.term), alarm.UncleanEnd, "", fmt.Sprintf("the service ended by a failure (exit code %d): %s", ExitCode(failed), reason))
		l.alarms.Flush(total.ctx, min(lastAlarms, withoutRecords(total.left())))
	}
	if !l.alarms.Close(limit) {
		l.log.Warn("alarms that are not delivered may be lost", "error", ErrOverrun)
	}
}

// tellOfRefusal leaves a note for the running instance, which alone speaks for the
// service. Where this one is another user's it cannot, and whoever started it is told
// by its exit code.
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
		l.log.Debug("the running instance does not hear of this one", "error", err)
	}
}

// Alarm has somebody told as [service.alarm] says, where it says so: an alarm of the kind
// "program" about what name names, of which those that follow soon are joined with it.
// It is kept over a crash, and delivered in the background.
func (rt *Runtime) Alarm(name, text string) { rt.l.alarms.Raise(alarm.FromProgram, name, text) }

// AlarmCounts is what has become of the alarms so far; without [service.alarm] it has no ways.
func (rt *Runtime) AlarmCounts() alarm.Counts { return rt.l.alarms.Counts() }
