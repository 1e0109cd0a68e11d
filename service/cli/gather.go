package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/doctor"
	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/singleton"
)

// A gathering has the facts about t while they are collected. Where `status` knows a fact too,
// it comes from the same source.
type gathering struct {
	*target
	app  *app
	cmd  *cobra.Command
	f    doctor.Facts
	now  state.Truth
	r    report
	held singleton.Holder // zero: nobody, or not known
	d    drift
	last recovery.LastRun // if there is a record of it
	user account          // the service's user; no name: not known
	gone bool             // the manager names a process that does not exist
}

// facts gathers everything that doctor judges.
func (a *app) facts(cmd *cobra.Command, t *target) doctor.Facts {
	g := gathering{target: t, app: a, cmd: cmd}
	g.f = doctor.Facts{Service: t.id.String(), Command: a.called(cmd, t), Scope: t.id.Scope, Now: t.Now()}
	ctx, fileErr := g.look(cmd.Context())
	g.d = a.drift(ctx, t)
	g.life(ctx)
	g.lock(ctx, fileErr)
	g.manages(ctx)
	g.definition(ctx)
	g.configuration(ctx)
	g.programs()
	g.others(ctx)
	g.directories()
	g.volumes()
	g.clock(ctx)
	g.uses()
	g.logs(ctx)
	g.work(ctx)
	g.upgrade()
	g.alarms(ctx)
	return g.f
}

// look finds out what is known of the service. A process that has just ended no longer exists
// while the manager still names it: then look asks again. The manager is not asked the same
// twice in the context that look returns.
func (g *gathering) look(ctx context.Context) (_ context.Context, fileErr error) {
	const tries = 3
	for try := 1; ; try++ {
		once := native.Look(ctx)
		g.r, g.now, g.held, fileErr = g.merge(once)
		g.gone = g.r.said.PID != 0 && g.ended(g.r.said.PID)
		if !g.gone || try == tries || sleep(ctx, time.Second) != nil {
			return once, fileErr
		}
	}
}

func (g *gathering) ended(pid int) bool {
	_, err := g.Process(pid)
	return errors.Is(err, proc.ErrGone)
}

// called returns how to call the program for this service.
func (a *app) called(cmd *cobra.Command, t *target) doctor.Command {
	words := strings.Fields(a.root.CommandPath())
	if strings.ContainsAny(a.Program, `/\`) {
		words[0] = quoted(a.Program)
	}
	c := doctor.Command{Path: strings.Join(words, " ")}
	var flags []string
	flag := func(name, value string) {
		if value != "" {
			flags = append(flags, "--"+name, quoted(value))
		}
	}
	given := func(name, value string) {
		if cmd.Flags().Changed(name) {
			flag(name, value)
		}
	}
	given("config", a.cfg.File)
	given("runtime-dir", a.cfg.RuntimeDir)
	given("state-dir", a.cfg.StateDir)
	given("manager", a.manager)
	flag("instance", t.id.Instance)
	if t.id.Scope != a.Scope() {
		flag("scope", string(t.id.Scope))
	}
	c.Flags = strings.Join(flags, " ")
	return c
}

// unseen records what could not be found out.
func (g *gathering) unseen(what string, err error) {
	g.f.Unseen = append(g.f.Unseen, doctor.Unseen{What: what, Why: oneLine(err.Error())})
}

func (g *gathering) life(ctx context.Context) {
	now, r := g.now, g.r
	l := lifeOf(now)
	l.Exe, l.Stranger, l.Stale = now.Process.Exe, now.Stranger, now.Stale
	l.LastRun, l.Next, l.GaveUp, l.OnTrial = r.LastRun, r.Next, r.GaveUp, r.Trial != "" || r.keeper != 0
	l.Health, l.Reloads, l.Stop = r.Health, r.Reloads, r.Stop
	l.StopTimeout, l.Window = g.cfg.StopTimeout, g.cfg.Restart.WithDefaults().Window
	if now.Again {
		l.Again = r.again
	}
	if g.held.Known() {
		l.StartedBy = g.held.StartedBy()
	}
	var err error
	if g.last, err = g.lastRecord(ctx); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) && ctx.Err() == nil {
		l.BadLastRun = oneLine(err.Error())
	}
	l.Suspended = l.Running && l.PID != 0 && g.Suspended(l.PID)
	if now.File != nil && now.Ready() {
		l.Closed = g.closedSockets(*now.File)
	}
	g.f.Life = l
}

// lifeOf returns the facts for doctor that are known about every service.
func lifeOf(now state.Truth) doctor.Life {
	l := doctor.Life{
		Known: now.Known, Running: now.Running, Phase: now.Phase, Since: now.Since, PID: now.Process.PID,
		LastExit: now.LastExit, EndedAt: now.EndedAt, Restarts: now.Restarts,
	}
	if now.LastExit != nil {
		l.Ending = ending(*now.LastExit)
	}
	return l
}

// settled limits the time until the files of a process exist.
const settled = 15 * time.Second

func (g *gathering) lock(ctx context.Context, fileErr error) {
	l := doctor.Lock{File: g.target.lock().LockFile(), PIDFile: g.target.lock().PIDFile(), StateFile: g.dirs.StateFile(g.id.String())}
	switch err := g.r.holderErr; {
	case err == nil && !g.held.Known():
		l.Unnamed = true
	case err != nil && !errors.Is(err, singleton.ErrFree):
		g.unseen("who holds its lock", err)
	}
	if info, err := os.Lstat(l.PIDFile); err == nil {
		l.PIDFileBlocked = !info.Mode().IsRegular()
	}
	if g.f.Life.Down() {
		l.PIDFileLeft = strings.TrimSuffix(strings.TrimPrefix(g.leftover(), " ("), ")")
	}
	old := g.held.Known() && g.held.PID == g.now.Process.PID && (g.now.Ready() || g.Now().Sub(g.held.Since) > settled)
	if old && !g.f.Life.OnTrial {
		l.PIDFileWrong = g.wrongPID(ctx)
	}
	damaged := g.held.Known() && g.held.PID == g.now.Process.PID && fileErr != nil && !errors.Is(fileErr, fs.ErrNotExist) // writes are atomic, so this is no half-written file
	if (old || damaged) && g.now.File == nil {
		switch {
		case errors.Is(fileErr, fs.ErrPermission):
			g.unseen("its state file", fileErr)
		case fileErr != nil:
			l.StateFileWrong = fileErr.Error()
		default:
			l.StateFileWrong = l.StateFile + " was written by another process"
		}
	}
	g.f.Lock = l
}

// wrongPID says what is wrong with the PID file of the holder, if it stays wrong. The holder
// watches the file and normally repairs it at once.
func (g *gathering) wrongPID(ctx context.Context) (wrong string) {
	const tries = 3
	for range tries {
		content, err := readLeftover(g.target.lock().PIDFile())
		pid := 0
		if err == nil {
			pid, err = singleton.ParsePID(content)
		}
		switch {
		case errors.Is(err, fs.ErrPermission):
			g.unseen("its PID file", err)
			return ""
		case errors.Is(err, fs.ErrNotExist):
			wrong = "it is not there"
		case err != nil:
			wrong = err.Error()
		case pid != g.held.PID:
			wrong = fmt.Sprintf("it names %d", pid)
		default:
			return ""
		}
		if sleep(ctx, time.Second) != nil {
			return ""
		}
		if h, err := g.probe(ctx, g.target.lock()); err != nil || !h.Same(g.held.Identity) {
			return "" // the holder has just stopped
		}
	}
	return wrong
}

func (g *gathering) manages(ctx context.Context) {
	m := doctor.Manager{
		Wanted: g.app.manager != "none", Recorded: g.manifest.Format > 0, Manual: g.cfg.StartType == platform.StartManual,
		AtLogin: g.r.AtLogin, Enabled: g.r.Enabled, Trigger: g.r.Trigger,
	}
	defer func() { g.f.Manager = m }()
	if g.manager == nil {
		m.None = g.noManager.Error()
		return
	}
	m.Name = g.manager.Name()
	st, err := g.r.said, g.r.saidErr
	switch {
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, platform.ErrPermission):
		g.unseen("what "+m.Name+" says", err)
		m.Name = ""
		return
	case err != nil:
		m.Silent = oneLine(err.Error())
		if u, err := user.Current(); err == nil && g.id.Scope == platform.ScopeUser {
			m.User = u.Username
		}
		return
	}
	m.Phase, m.PID, m.Gone = st.Phase, st.PID, g.gone
	if l, ok := g.manager.(platform.Lesser); ok && st.Installed {
		m.Missing = l.Missing(g.id)
	}
	// If the manager watches nothing, a supervisor of ours does.
	if g.cfg.Supervise && st.Phase == "" && g.held.Known() && g.held.Origin == m.Name {
		_, supervised := g.supervisor(ctx)
		g.f.Life.SupervisorGone = !supervised
	}
	e, ok := g.manager.(platform.Examiner)
	if !ok || st.Definition == nil {
		return
	}
	ctx, cancel := context.WithTimeoutCause(ctx, queryFor, platform.ErrTimeout)
	defer cancel()
	if m.Examined, err = e.Examine(ctx, g.id); err != nil {
		g.unseen("the details that "+m.Name+" has of it", err)
	}
	if g.cfg.Windows.Start == platform.WindowsDisabled {
		m.Examined.Disabled, m.Manual = "", true
	}
}

func (g *gathering) definition(ctx context.Context) {
	d := doctor.Definition{
		Installed: g.r.Installed, Found: g.r.Definition, Keys: g.d.install, Old: g.d.old && g.d.running, Restart: g.d.restart, Reload: g.d.reload,
		OtherManager: g.otherManager,
	}
	if g.r.Definition != nil {
		if err := g.r.Definition.Refuse("start"); err != nil {
			d.Refused = err.Error()
		}
	}
	for _, c := range g.d.changes {
		d.Changes = append(d.Changes, c.Path)
		d.Lines = append(d.Lines, c.Lines...)
	}
	const most = 10
	d.Lines = d.Lines[:min(most, len(d.Lines))]
	for _, f := range g.d.refused {
		d.Unfit = append(d.Unfit, f.String())
	}
	if scope, other := g.inOtherScope(ctx); other != nil {
		d.OtherScope, d.OtherFound = scope, other.String()
	}
	if text, cut := g.unfinished(); cut {
		d.Interrupted = text
	} else {
		d.Underway = text
	}
	if g.badManifest != nil {
		if errors.Is(g.badManifest, fs.ErrPermission) {
			g.unseen("the record of its installation", g.badManifest)
		} else {
			d.BadRecord = g.badManifest.Error()
			d.RecordFile, _ = g.Manifest(g.id)
		}
	}
	if g.r.none() {
		instances, _ := g.app.instances(g.cmd, g.target)
		for _, i := range instances {
			d.InstanceNames = append(d.InstanceNames, i.id.Instance)
		}
	}
	g.f.Definition = d
}

// configuration gathers what is wrong with the configuration on this machine, like `check`.
func (g *gathering) configuration(ctx context.Context) {
	c := doctor.Config{File: g.cfg.File}
	if g.badFile != nil {
		c.File = g.named
	}
	if g.r.told && g.r.ConfigFile != c.File && c.File != "" {
		c.InForce = cmp.Or(g.r.ConfigFile, "none")
	}
	defer func() { g.f.Config = c }()
	problem := func(err error) {
		for _, e := range service.ConfigErrors(err) {
			p := doctor.Problem{Text: finding{File: e.File, Line: e.Line, Key: e.Key, Problem: e.Err.Error()}.String(), Key: e.Key, Line: e.Line}
			if no, ok := errors.AsType[*noAccountError](e.Err); ok {
				p.Kind, p.Name = no.kind, no.name
			} else if dir, ok := errors.AsType[missingDir](e.Err); ok {
				p.Kind, p.Name = "directory", string(dir)
			}
			if !slices.Contains(c.Problems, p) {
				c.Problems = append(c.Problems, p)
			}
		}
	}
	if errors.Is(g.badFile, fs.ErrPermission) {
		g.unseen("its configuration", g.badFile)
		return
	}
	problem(g.badFile)
	if g.badFile == nil && !g.f.Definition.Installed && !g.now.Running {
		for _, f := range findings(g.app.definable(ctx, g.target)) {
			f.Problem = "install will refuse this: " + f.Problem
			c.Warnings = append(c.Warnings, doctor.Problem{Text: f.String(), Key: f.Key, Line: f.Line})
		}
	}
	if g.badFile != nil || g.app.elsewhere() {
		return
	}
	problem(g.app.checkProgram(ctx, g.target))
	var err error
	g.user, err = g.account(ctx)
	problem(err)
	problem(g.checkDirectories())
	if err == nil {
		if closed := g.checkReadable(g.user); closed != nil {
			c.Closed, c.Allow = closed.Error(), allow(c.File, g.user, mayRead)
		}
	}
	if c.File != "" && g.id.Scope == platform.ScopeSystem {
		if c.Tighten = tighten(c.File, g.user); c.Tighten != "" {
			c.Writable = alterable(c.File)
		}
	}
	for _, w := range g.app.warnings(ctx, g.target) {
		w.Severity = ""
		c.Warnings = append(c.Warnings, doctor.Problem{Text: w.String(), Key: w.Key, Line: w.Line})
	}
}

func (g *gathering) work(ctx context.Context) {
	w, err := leavable(ctx, func() (*recovery.Work, error) { return recovery.ReadWork(g.dirs.JournalFile(g.id.String())) })
	if err != nil {
		g.unseen("its journal of interrupted work", err)
	}
	g.f.Work = w
}
