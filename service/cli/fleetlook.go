package cli

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/doctor"
	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/singleton"
)

// A life is what the files of a member and the process table say.
type life struct {
	*member
	sources state.Sources
	record  recovery.LastRun
	rss     int64 // of the process that its file names, if it lives; otherwise -1
	notes   []string
}

// lookAt reads the files of a member. It starts no process and asks nobody. The state file
// names the process of a running member, and the system confirms its identity. The lock is
// asked only if the file cannot say this.
func (a *app) lookAt(ctx context.Context, one *member) *life {
	for try := 1; ; try++ {
		l := a.lookOnce(ctx, one)
		if try == looks || l.sources.Lock.Answer != state.LockFree || !a.movedOn(l.sources) {
			return l
		}
	}
}

func (a *app) lookOnce(ctx context.Context, one *member) *life {
	l := &life{member: one, rss: -1, sources: state.Sources{Now: a.Now(), Window: usualWindow()}}
	id := one.id.String()
	if one.bad != nil {
		l.notes = append(l.notes, one.bad.Error())
	}
	dirs, err := service.Config{
		Name: one.id.Name, Instance: one.id.Instance,
		RuntimeDir: cmp.Or(one.manifest.Told["runtime-dir"], one.manifest.RuntimeDir, one.runtime), StateDir: cmp.Or(one.manifest.Told["state-dir"], one.manifest.StateDir),
	}.DirsFor(one.id.Scope)
	if err != nil {
		l.notes = append(l.notes, err.Error())
		return l
	}
	f, err := state.Read(dirs.StateFile(id))
	if err == nil {
		l.sources.File = &f
		if alive, err := a.Alive(f.Process); err == nil && alive {
			l.sources.Lock = state.Lock{Answer: state.LockHeld, Process: f.Process, Since: f.StartedAt, Origin: f.Manager}
			l.rss = a.Memory(f.Process.PID) // concurrently with the question to the manager
			return l
		}
	}
	lock := singleton.Options{Name: id, Dir: dirs.Runtime, StateDir: dirs.State}
	if _, e := os.Lstat(lock.PIDFile()); errors.Is(err, fs.ErrNotExist) && errors.Is(e, fs.ErrNotExist) {
		l.sources.Lock.Answer = state.LockFree
	} else if l.sources.Lock, err = lockSource(leavable(ctx, func() (singleton.Holder, error) { return a.Holder(lock) })); err != nil {
		l.notes = append(l.notes, err.Error())
	}
	l.record, err = recovery.Read(dirs.LastRunFile(id))
	if err != nil {
		l.notes = append(l.notes, err.Error())
	}
	l.sources.Last = lastSource(l.record)
	return l
}

// usualWindow returns the time within which restarts count by default. Only the service's own
// program can read a configuration that says otherwise.
func usualWindow() time.Duration { return platform.Restart{}.WithDefaults().Window }

// judge returns the state of a member, including what the manager says about members in
// transition.
func (a *app) judge(l *life, m platform.Manager, unsettled map[string]platform.Phase) fleetService {
	id := l.id.String()
	s := fleetService{
		Name: l.id.Name, Instance: l.id.Instance, Manager: l.manifest.Manager, Installed: l.manifest.Format > 0 || l.defined,
		Program: l.manifest.Program, RSS: -1, Findings: []doctor.Finding{}, Notes: l.notes,
	}
	if m != nil && s.Installed && (s.Manager == "" || s.Manager == m.Name()) {
		s.Manager = m.Name()
		if phase, ok := unsettled[id]; ok {
			l.sources.Manager = &platform.Status{Manager: s.Manager, Installed: true, Phase: phase}
		}
	}
	now := state.Merge(l.sources)
	s.Phase, s.PhaseSince, s.Ready, s.PID = now.Phase, now.Since, now.Ready(), now.Process.PID
	s.Restarts, s.LastExit = now.Restarts, now.LastExit
	s.Version = l.record.Version
	if now.File != nil {
		s.Version = now.File.Version
		s.Manager = cmp.Or(s.Manager, now.File.Manager)
	}
	if now.Running && s.PID != 0 {
		if s.RSS = l.rss; s.RSS < 0 { // only the lock has named it
			s.RSS = a.Memory(s.PID)
		}
	}
	s.Findings = append(s.Findings, l.findings(s, now)...)
	return s
}

// findings returns doctor's findings about the run. For everything else doctor needs the
// service's own program.
func (l *life) findings(s fleetService, now state.Truth) []doctor.Finding {
	facts := doctor.Facts{Service: s.id(), Scope: l.id.Scope, Now: l.sources.Now, Command: doctor.Command{Path: cmp.Or(s.Program, s.Name)}}
	facts.Definition.Installed = s.Installed
	facts.Life = lifeOf(now)
	facts.Life.Window = usualWindow()
	if now.Again {
		facts.Life.Again = cmp.Or(s.Manager, "a supervisor")
	}
	if f := now.File; f != nil {
		facts.Life.Health, facts.Life.Reloads, facts.Life.Stop, facts.Life.LastRun = f.Health, f.Reloads, f.Stop, f.LastRun
	}
	return doctor.Examine(facts, "run").Findings
}
