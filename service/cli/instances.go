package cli

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
)

// instances returns the targets of the instances of t's name that are installed or run, sorted
// by name. It finds them by their records, directories and files, and needs no list from the
// manager. left is the number of names that it did not examine.
func (a *app) instances(cmd *cobra.Command, t *target) (all []*target, left int) {
	if t.cfg.Instance != "" {
		return nil, 0
	}
	names, left := t.instanceNames()
	for _, name := range names {
		if platform.CheckName(name) != nil {
			continue
		}
		of := *a
		of.cfg = a.code // the instance's own configuration, and the flags of its own installation
		of.cfg.Instance, of.cfg.Scope, of.scope = name, t.id.Scope, ""
		other, err := of.targetRegardless(cmd)
		if err == nil && other.there(cmd.Context()) {
			all = append(all, other)
		}
	}
	return all, left
}

// there reports whether the service is installed or runs.
func (t *target) there(ctx context.Context) bool {
	if t.manager != nil {
		if st, err := t.query(ctx, t.id); err == nil && st.Installed {
			return true
		}
	}
	_, err := t.probe(ctx, t.lock())
	return err == nil
}

// mostFound limits the number of instances without a record. The service's user can make any
// number of files with such names, and each one costs a question to the manager.
const mostFound = 100

// instanceNames returns the names of instances of t that have left something: all with a
// record, and the first ones of the others.
func (t *target) instanceNames() (names []string, left int) {
	prefix := t.id.Name + "@"
	recorded := t.recorded(t.id.Scope)
	for _, dir := range []string{t.dirs.Runtime, t.dirs.State, t.dirs.Logs} {
		if dir == "" {
			continue
		}
		for pattern, cut := range map[string]string{
			filepath.Join(filepath.Dir(dir), prefix+"*"): "", // their own directories
			filepath.Join(dir, prefix+"*.state.json"):    ".state.json",
			filepath.Join(dir, prefix+"*.lastrun.json"):  ".lastrun.json",
		} {
			found, err := filepath.Glob(pattern)
			if err != nil {
				continue
			}
			for _, path := range found {
				name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), prefix), cut)
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	names = slices.DeleteFunc(slices.Compact(names), func(name string) bool {
		return slices.Contains(recorded, name) || platform.CheckName(name) != nil || strings.HasSuffix(name, ".supervisor") // the file of a supervisor belongs to no instance
	})
	left = max(0, len(names)-mostFound)
	names = append(names[:len(names)-left], recorded...)
	slices.Sort(names)
	return names, left
}

// recorded returns the names of the instances of t that have a record.
func (t *target) recorded(scope platform.Scope) []string {
	path, err := t.Manifest(platform.ID{Name: t.id.Name, Instance: "x", Scope: scope})
	if err != nil {
		return nil
	}
	before, after, _ := strings.Cut(path, "@x")
	found, err := filepath.Glob(before + "@*" + after)
	if err != nil {
		return nil
	}
	var names []string
	for _, path := range found {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(path, before+"@"), after))
	}
	return names
}

// others returns the commands that apply verb to other existing services of the same name: to
// an instance, to one in the other scope, or to one with another manager.
func (a *app) others(cmd *cobra.Command, t *target, verb string) (lines []string) {
	ctx := cmd.Context()
	if t.manager == nil {
		return nil
	}
	if t.otherManager != "" {
		lines = append(lines, a.command(t, verb)+" --manager "+t.otherManager)
	}
	plain := *t
	plain.cfg.Instance, plain.id.Instance = "", ""
	instances, _ := a.instances(cmd, &plain)
	for _, o := range instances {
		if o.id != t.id {
			lines = append(lines, a.command(o, verb))
		}
	}
	installed := func(id platform.ID) {
		o := *t
		o.id = id
		if st, err := t.query(ctx, id); err == nil && st.Installed && id != t.id {
			lines = append(lines, a.command(&o, verb))
		}
	}
	installed(plain.id)
	scope := platform.ScopeUser
	if t.id.Scope == platform.ScopeUser {
		scope = platform.ScopeSystem
	}
	for _, instance := range append([]string{""}, t.recorded(scope)...) {
		if instance == "" || platform.CheckName(instance) == nil {
			installed(platform.ID{Name: t.id.Name, Instance: instance, Scope: scope})
		}
	}
	return lines
}

// hint is appended to a message that a service does not exist. It says what exists instead.
func (a *app) hint(cmd *cobra.Command, t *target, verb string) string {
	switch lines := a.others(cmd, t, verb); len(lines) {
	case 0:
		return ""
	case 1:
		return "; there is another one: " + lines[0]
	default:
		return "; there are others: " + enumerate(lines)
	}
}

// unless is like hint, for a service that may exist and does not run.
func (a *app) unless(cmd *cobra.Command, t *target, verb string) string {
	if t.manager == nil || t.has(cmd.Context()) {
		return ""
	}
	return a.hint(cmd, t, verb)
}

// none reports whether no service has exactly this name: it is not installed, does not run,
// and nobody has a definition of it.
func (r *report) none() bool {
	return !r.Installed && r.Definition == nil && r.PID == 0 && r.Phase == platform.PhaseStopped
}

// noteInstances names the instances if there is nothing else.
func (r *report) noteInstances(ctx context.Context, a *app, t *target, instances []*target) {
	if !r.none() {
		return
	}
	for _, i := range instances {
		r.Instances = append(r.Instances, i.cfg.Instance)
	}
	switch {
	case len(instances) == 1:
		r.note("it has only one instance: " + a.command(instances[0], "status"))
	case len(instances) > 1:
		r.note("it has instances only: " + strings.Join(r.Instances, ", ") + ": give --instance NAME, or --all for all of them")
	}
	if scope, d := t.inOtherScope(ctx); d != nil && d.Ours {
		other := *t
		other.id.Scope = scope
		r.note("it is installed with --scope " + string(scope) + ": " + a.command(&other, "status"))
	}
}
