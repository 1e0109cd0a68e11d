package cli

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

// instances are the targets of the instances of t's name that are installed, or
// run, by the order of their names. They are found by their directories and
// files: one that never ran has none, and no manager need be asked for a list.
func (a *app) instances(ctx context.Context, t *target) []*target {
	if t.cfg.Instance != "" {
		return nil
	}
	var all []*target
	for _, name := range t.instanceNames() {
		if platform.CheckName(name) != nil {
			continue
		}
		other := *t
		other.cfg.Instance = name
		other.id = other.cfg.ID(t.id.Scope)
		dirs, err := other.cfg.DirsFor(t.id.Scope)
		if err != nil {
			continue
		}
		other.dirs = dirs
		if other.there(ctx) {
			all = append(all, &other)
		}
	}
	return all
}

// there reports whether the service is installed or runs.
func (t *target) there(ctx context.Context) bool {
	if t.manager != nil {
		if st, err := query(ctx, t.manager, t.id); err == nil && st.Installed {
			return true
		}
	}
	_, err := t.probe(ctx, t.lock())
	return err == nil
}

// instanceNames are the names that instances of t have left somewhere.
func (t *target) instanceNames() []string {
	prefix := t.id.Name + "@"
	var names []string
	for _, dir := range []string{t.dirs.Runtime, t.dirs.State, t.dirs.Logs} {
		if dir == "" {
			continue
		}
		for pattern, cut := range map[string]string{
			filepath.Join(filepath.Dir(dir), prefix+"*"): "", // directories of their own
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
	return slices.Compact(names)
}

// none reports whether there is no service by the very name: it is not installed,
// does not run, and has nobody's definition.
func (r *report) none() bool {
	return !r.Installed && r.Definition == nil && r.PID == 0 && r.Phase == platform.PhaseStopped
}

// noteInstances names the instances where there is nothing else.
func (r *report) noteInstances(instances []*target) {
	if !r.none() {
		return
	}
	for _, t := range instances {
		r.Instances = append(r.Instances, t.cfg.Instance)
	}
	if len(r.Instances) > 0 {
		r.note("it has instances only: " + strings.Join(r.Instances, ", ") + ": say --instance NAME, or --all for each")
	}
}
