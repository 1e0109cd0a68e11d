package cli

import (
	"context"
	"fmt"

	"github.com/fatih/color"

	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

// lastRun returns the run before the one that now describes, or the last run if none is
// running. It is nil if no run is known. record is the record of the last run.
func (t *target) lastRun(now state.Truth, record recovery.LastRun) *state.Before {
	if now.File != nil && now.File.LastRun != nil {
		before := *now.File.LastRun
		if e := now.LastExit; record.Seen == nil && e != nil && before.How == string(recovery.Killed) && (e.Code >= 0 || e.Signal != "") {
			seen := recovery.LastRun{Started: before.Started, Seen: e} // the manager saw how it ended
			before.How, before.Outcome = string(seen.How()), seen.Outcome()
		}
		return &before
	}
	if now.Running || !record.Known() {
		return nil
	}
	if self, err := proc.Self(); err == nil {
		record = record.SeenFrom(self)
	}
	if record.Exit == nil {
		if e := now.LastExit; record.Seen == nil && e != nil && (e.Code >= 0 || e.Signal != "") {
			record.Seen = e
		}
	}
	return record.Summary()
}

// lastRecord returns the record of the last run, with what that run could record about its
// crash.
func (t *target) lastRecord(ctx context.Context) (recovery.LastRun, error) {
	return leavable(ctx, func() (recovery.LastRun, error) {
		last, err := recovery.Read(t.dirs.LastRunFile(t.id.String()))
		if err != nil || !last.Known() || last.Exit != nil {
			return last, err
		}
		if crash, err := recovery.ReadCrash(t.dirs.CrashFile(t.id.String())); err == nil && crash != nil { // only its user can read the file
			last.Seen = &crash.Exit
		}
		return last, nil
	})
}

// lastRunText is empty if the last exit says everything.
func lastRunText(r report) string {
	b := r.LastRun
	if b == nil || (b.How == string(recovery.Clean) || b.How == string(recovery.Failed)) && b.Change == "" {
		return ""
	}
	text := b.How
	if b.How != string(recovery.Clean) {
		text = color.RedString("%s", text)
	}
	if b.Version != "" {
		text += ", version " + b.Version
	}
	text += fmt.Sprintf(", begun %s", r.when(b.Started))
	switch recovery.Change(b.Change) {
	case recovery.Upgraded:
		text += "; upgraded since"
	case recovery.RolledBack:
		text += "; rolled back since"
	}
	return text
}
