package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/alarm"
	"github.com/holdfast-dev/holdfast/service/doctor"
)

// logs gathers the end of the log of a failed service, the lines since the last start, and
// whether the log can be reached.
func (g *gathering) logs(ctx context.Context) {
	l := doctor.Log{Sink: g.cfg.Log.Sink}
	byHand := g.f.Life.Running && (g.f.Life.Stranger || !g.f.Definition.Installed) // it logs to where it was started
	if _, err := g.logArgv(platform.LogFilter{Lines: 1}); g.cfg.Log.File != "" || err == nil && !byHand {
		l.Command = g.f.Command.Line("logs")
	}
	l.Unreachable, l.Allow = g.unreachable()
	if g.cfg.Log.File != "" {
		l.Sink = g.cfg.Log.File
	}
	if g.now.Phase == platform.PhaseFailed || g.f.Life.Again != "" {
		l.Lines = g.lastLines(ctx, time.Time{}, nil)
	}
	if _, tells := g.manager.(platform.LogFilterer); tells && g.cfg.Log.File == "" {
		if g.last.Known() {
			l.Since = g.logLines(ctx, g.last.Started)
		}
	}
	g.f.Log = l
}

// logSockets has the sockets of the log services, by sink.
var logSockets = [...]struct{ sink, path string }{
	{"journald", "/run/systemd/journal/socket"}, {"syslog", "/dev/log"},
}

// unreachable says why nothing reaches the configured log, and returns the command that
// repairs this.
func (g *gathering) unreachable() (why, allow string) {
	for _, s := range logSockets {
		if _, err := g.System.Stat(s.path); g.cfg.Log.Sink == s.sink && errors.Is(err, fs.ErrNotExist) && filepath.Separator == '/' {
			return "nobody listens at " + s.path, ""
		}
	}
	file := g.cfg.Log.File
	if file == "" {
		return "", ""
	}
	dir := filepath.Dir(file)
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) && g.f.Life.Running:
		return dir + " is not there", "mkdir -p " + quoted(dir)
	case err != nil:
		return "", ""
	case !info.IsDir():
		return dir + " is no directory", ""
	}
	if before, err := os.Lstat(file); err == nil && !before.Mode().IsRegular() {
		return file + " is no regular file", ""
	} else if err == nil && g.closed(file, before, mayWrite) {
		return fmt.Sprintf("the service's user, %s, cannot write to %s: its mode is %04o, and its owner is %s", g.user.name, file, before.Mode().Perm(), ownerOf(before)),
			"chown " + quoted(g.user.name) + " " + quoted(file) + " && chmod u+rw " + quoted(file)
	} else if errors.Is(err, fs.ErrNotExist) && g.closed(dir, info, mayWrite) {
		return fmt.Sprintf("the service's user, %s, cannot create %s: the mode of %s is %04o, and its owner is %s", g.user.name, file, dir, info.Mode().Perm(), ownerOf(info)), ""
	}
	return "", ""
}

// closed reports whether the service's user lacks a right, as far as that is known.
func (g *gathering) closed(path string, info fs.FileInfo, right fs.FileMode) bool {
	return g.user.name != "" && !g.user.bypass && g.r.Installed && !g.now.Stranger && !permitted(path, info, g.user, right)
}

// alarms gathers the alarms that nobody has taken.
func (g *gathering) alarms(ctx context.Context) {
	r, err := leavable(ctx, func() (*alarm.Report, error) { return alarm.Read(g.dirs.AlarmsFile(g.id.String())) })
	if err != nil {
		g.unseen("its queue of alarms", err)
	}
	if r == nil {
		return
	}
	a := doctor.Alarm{Waiting: r.Pending, Since: r.Oldest, Dropped: r.Dropped}
	for _, way := range r.Failing() {
		a.Error = way.Name + ": " + way.Error
	}
	g.f.Alarm = a
}
