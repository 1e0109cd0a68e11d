package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/holdfast-dev/holdfast/installer/upgrade"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/service/doctor"
)

// programs gathers facts about the program that the manager starts, or else the one that runs.
func (g *gathering) programs() {
	p := doctor.Program{Path: g.manifest.Program}
	installed := g.r.Installed && p.Path != ""
	if p.Path == "" {
		p.Path = g.held.Exe
	}
	if p.Path == "" {
		return
	}
	p.Gone = g.Gone(p.Path)
	if g.held.Known() && !g.f.Life.OnTrial {
		p.Newer = g.Replaced(g.held, g.startedFrom(!g.now.Stranger))
	}
	if installed && !p.Gone && !g.app.elsewhere() {
		p.Writable, p.Tolerated = alterable(p.Path), g.manifest.Told[allowWritable] == "true"
		of := *g.target
		of.program = p.Path
		if err := of.checkExecutable(g.user); err != nil {
			p.Closed, p.Allow = err.Error(), allow(p.Path, g.user, mayExecute)
		}
		g.executable(&p)
		p.Tighten = tighten(p.Path, account{})
	}
	g.f.Program = p
}

// executable says why nobody can execute the program.
func (g *gathering) executable(p *doctor.Program) {
	if info, err := os.Stat(p.Path); err == nil && unexecutable(info) {
		p.Closed, p.Allow = fmt.Sprintf("%s cannot be executed: its mode is %04o", p.Path, info.Mode().Perm()), "chmod a+x "+quoted(p.Path)
		return
	}
	if v, _, err := g.Volume(p.Path); err == nil && v.NoExec {
		p.Closed = p.Path + " cannot be executed: its file system is mounted noexec"
		if v.Mount != "" {
			p.Closed += " at " + v.Mount
			p.Allow = "mount -o remount,bind,exec " + quoted(v.Mount)
		}
	}
}

// directories gathers facts about the service's own directories.
func (g *gathering) directories() {
	for _, d := range []doctor.Dir{{Role: "runtime", Path: g.dirs.Runtime}, {Role: "state", Path: g.dirs.State}, {Role: "log", Path: g.dirs.Logs}} {
		if d.Path == "" || slices.ContainsFunc(g.f.Dirs, func(other doctor.Dir) bool { return other.Path == d.Path }) {
			continue
		}
		info, err := os.Stat(d.Path)
		_, dead := os.Lstat(d.Path)
		switch {
		case errors.Is(err, fs.ErrNotExist) && dead == nil: // a link that leads nowhere
			d.NotDir = true
		case errors.Is(err, fs.ErrNotExist):
			// Whoever starts the service makes them, except the log directory, which may never
			// be needed.
			d.Wanted = g.user.name
			if d.Missing = g.f.Life.Running && d.Role != "log"; !d.Missing {
				continue
			}
		case err != nil:
			g.unseen("its "+d.Role+" directory", err)
			continue
		case !info.IsDir():
			d.NotDir = true
		default:
			g.ownership(&d, info)
		}
		g.f.Dirs = append(g.f.Dirs, d)
	}
}

// ownership gathers whose directory it is, and what this keeps the service from. If somebody
// else has started the running process, the directory is theirs.
func (g *gathering) ownership(d *doctor.Dir, info fs.FileInfo) {
	if d.Open = openToAll(info); g.user.name == "" {
		return
	}
	d.Owner, d.Wanted = ownerOf(info), g.user.name
	if d.Owner == g.user.uid {
		d.Owner = g.user.name
	}
	if g.closed(d.Path, info, mayWrite) || g.closed(d.Path, info, mayEnter) {
		d.Closed = fmt.Sprintf("its mode is %04o, and its owner is %s", info.Mode().Perm(), d.Owner)
	}
}

const mayWrite fs.FileMode = 0o2

// volumes gathers the file systems of the directories, each once.
func (g *gathering) volumes() {
	at := map[string]int{}
	add := func(role, dir string) {
		for dir != "" && dir != filepath.Dir(dir) { // a missing directory will be on the volume of its parent
			if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
				break
			}
			dir = filepath.Dir(dir)
		}
		v, id, err := g.Volume(dir)
		switch i, seen := at[id]; {
		case errors.Is(err, errors.ErrUnsupported) || dir == "":
		case err != nil:
			g.unseen("the free space for its "+role, err)
		case seen:
			if !slices.Contains(g.f.Volumes[i].Roles, role) {
				g.f.Volumes[i].Roles = append(g.f.Volumes[i].Roles, role)
			}
		default:
			at[id] = len(g.f.Volumes)
			v.Path, v.Roles = dir, []string{role}
			g.f.Volumes = append(g.f.Volumes, v)
		}
	}
	add("runtime files", g.dirs.Runtime)
	add("state", g.dirs.State)
	add("log", g.dirs.Logs)
	if file := g.cfg.Log.File; file != "" {
		add("log", filepath.Dir(file))
	}
}

// clock compares recorded times with the current time.
func (g *gathering) clock(ctx context.Context) {
	c := doctor.Clock{}
	later := func(at time.Time, of string) {
		if at.After(g.f.Now) && at.After(c.Ahead) {
			c.Ahead, c.Of = at, of
		}
	}
	if last, err := g.lastRecord(ctx); err == nil {
		later(last.Started, "the start of its last run")
		later(last.Ended, "the end of its last run")
	}
	if g.now.File != nil {
		later(g.now.File.StartedAt, "the start of the process")
	}
	later(g.manifest.Changed, "its installation")
	if g.held.Known() && g.now.File != nil {
		if age, err := g.Age(g.held.Identity); err == nil {
			c.Jump = g.f.Now.Sub(g.now.File.StartedAt) - age
		}
	}
	g.f.Clock = c
}

// uses gathers how much of its limits the running process uses.
func (g *gathering) uses() {
	pid := g.now.Process.PID
	if !g.f.Life.Running || pid == 0 {
		return
	}
	used, most, err := g.OpenFiles(pid)
	switch {
	case errors.Is(err, errors.ErrUnsupported), errors.Is(err, proc.ErrGone):
	case err != nil:
		g.unseen("its open files", err)
	default:
		g.f.Uses = append(g.f.Uses, platform.Use{What: "open files", Used: used, Max: most})
	}
}

func (g *gathering) upgrade() {
	path, err := g.ledger()
	if err != nil {
		return
	}
	l, err := upgrade.ReadLedger(path)
	var u doctor.Upgrade
	switch {
	case errors.Is(err, fs.ErrPermission):
		g.unseen("the record of the versions", err)
	case err != nil:
		u.Unreadable = err.Error()
	case l.Last == nil:
	case l.Last.Result == "":
		u.OnTrial, u.By, u.Step = l.Last.To.String(), l.Last.By, l.Last.Step
		alive, err := g.Alive(l.Last.Conductor)
		u.Interrupted = err == nil && !alive
	case l.Last.Result == upgrade.RolledBack:
		u.RolledBack, u.Reason, u.At = l.Last.To.String(), l.Last.Reason, l.Last.Ended
	}
	g.f.Upgrade = u
}
