package cli

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/service/doctor"
)

// A tableEntry is a process of the process table, as far as we may see it.
type tableEntry struct {
	pid, parent int
	exe         string // empty: we may not see it
	argv        []string
	user        string
}

// processTable lists the processes whose program has the name of one of the images.
func processTable(ctx context.Context, images []string) ([]tableEntry, error) {
	pids, err := processes(ctx)
	if err != nil {
		return nil, err
	}
	self, err := proc.Self()
	if err != nil {
		return nil, err
	}
	var all []tableEntry
	for _, pid := range pids {
		e := tableEntry{pid: pid}
		if e.exe, err = imageOf(ctx, pid); err != nil { // another user's process: everybody can see how it was called
			e.exe = ""
		}
		if e.exe != "" && !isImage(e.exe, images) {
			continue
		}
		if e.argv, err = argvOf(ctx, pid); err != nil || len(e.argv) == 0 || e.exe == "" && !isImage(e.argv[0], images) {
			continue
		}
		if id, err := proc.Of(pid); errors.Is(err, proc.ErrGone) || err == nil && id.Space != self.Space { // a zombie, or in a container
			continue
		}
		e.parent, e.user = parentIn(ctx, pid), userOf(ctx, pid)
		all = append(all, e)
	}
	return all, nil
}

func isImage(path string, images []string) bool {
	path = strings.TrimSuffix(path, " (deleted)")
	return slices.ContainsFunc(images, func(image string) bool { return image == path })
}

// others gathers the processes of the same image that run as a service without holding the
// lock. Incident 3 was such a process. One that is about to take the lock, or to end, is none
// of them, so others looks twice.
func (g *gathering) others(ctx context.Context) {
	found, err := g.lockless(ctx)
	if len(found) > 0 && sleep(ctx, time.Second) == nil {
		before := found
		found, err = g.lockless(ctx)
		found = slices.DeleteFunc(found, func(p doctor.Process) bool {
			return !slices.ContainsFunc(before, func(b doctor.Process) bool { return b.PID == p.PID })
		})
	}
	if err != nil {
		g.unseen("the other processes of this machine", err)
		return
	}
	g.f.Others = found
}

// lockless returns the processes that others looks for.
func (g *gathering) lockless(ctx context.Context) (found []doctor.Process, err error) {
	var images []string
	for _, path := range []string{g.held.Exe, g.manifest.Program, g.f.Program.Path} {
		if path = strings.TrimSuffix(path, " (deleted)"); path != "" && !slices.Contains(images, path) {
			images = append(images, path)
		}
	}
	if image, err := g.image(); err == nil && !slices.Contains(images, image) {
		images = append(images, image)
	}
	table, err := g.Processes(ctx, images)
	if err != nil {
		return nil, err
	}
	ours := g.own(ctx, table)
	for _, p := range table {
		run := invoked(p.argv, runName)
		if run == nil || ours[p.pid] || flagOf(run, "instance") != g.id.Instance {
			continue
		}
		other := doctor.Process{PID: p.pid, User: p.user, Command: oneLine(strings.Join(p.argv, " "))}
		file := flagOf(run, "config")
		other.Apart = file != "" && filepath.Clean(file) != filepath.Clean(g.cfg.File) || p.user != "" && g.held.Known() && p.user != g.held.User()
		found = append(found, other)
	}
	return found, nil
}

// own returns the processes that belong to the service or to this command: the holder, also the
// present one if the service was restarted meanwhile, its ancestors and descendants, and the
// process that the manager names.
func (g *gathering) own(ctx context.Context, table []tableEntry) map[int]bool {
	ours := map[int]bool{}
	parents := map[int]int{}
	for _, p := range table {
		parents[p.pid] = p.parent
	}
	holder, _ := g.probe(ctx, g.target.lock()) // if nobody holds it, its PID is 0
	for _, pid := range []int{holder.PID, g.held.PID, g.now.Process.PID, g.r.keeper, g.f.Manager.PID, g.ownPID()} {
		for ; pid > 1 && !ours[pid]; pid = parents[pid] {
			ours[pid] = true
		}
	}
	if s, ok := g.supervisorOf(g.cmd.Context(), g.held, g.last); ok {
		ours[s.PID] = true
	}
	for range table { // children of children
		for _, p := range table {
			if ours[p.parent] && p.parent > 1 {
				ours[p.pid] = true
			}
		}
	}
	return ours
}

// ownPID returns the PID of this process.
func (g *gathering) ownPID() int {
	if id, err := g.Self(); err == nil {
		return id.PID
	}
	return 0
}

// invoked returns the words after the verb in a command line. It is nil if the verb does not
// occur.
func invoked(argv []string, verb string) []string {
	for i, word := range argv[min(1, len(argv)):] {
		if word == verb {
			return append([]string{}, argv[i+1:]...)
		}
	}
	return nil
}

// flagOf returns the value of a flag in the words of a command line.
func flagOf(words []string, name string) string {
	for i, word := range words {
		if value, ok := strings.CutPrefix(word, "--"+name+"="); ok {
			return value
		}
		if word == "--"+name && i+1 < len(words) {
			return words[i+1]
		}
	}
	return ""
}
