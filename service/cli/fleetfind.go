package cli

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service"
)

// A member is a service that was found somewhere.
type member struct {
	id       platform.ID
	manifest state.Manifest // of its installation; zero: there is no record
	bad      error          // why the record cannot be read
	defined  bool           // the manager has a definition of ours
	runtime  string         // where its state file was found; empty: not searched there
}

// fleet looks at all services of the scope. It asks the manager once, and meanwhile reads
// files.
func (a *app) fleet(ctx context.Context, scope platform.Scope) (fleet, error) {
	// A thousand services need some megabytes, and the collector would take a third of the
	// time.
	const rarely = 800
	defer debug.SetGCPercent(debug.SetGCPercent(rarely))
	f := fleet{Scope: scope, Services: []fleetService{}}
	m, _ := a.Manager(a.manager) //nolint:errcheck // without a manager there are services that run by hand
	type answer struct {
		unsettled map[string]platform.Phase
		err       error
	}
	asked := make(chan answer, 1)
	go func() {
		s, ok := m.(platform.Surveyor)
		if !ok {
			asked <- answer{}
			return
		}
		limited, cancel := context.WithTimeoutCause(ctx, queryFor, platform.ErrTimeout)
		defer cancel()
		unsettled, err := s.Unsettled(limited, scope)
		asked <- answer{unsettled, err}
	}()
	members, notes := a.members(m, scope)
	f.Notes = append(f.Notes, notes...)
	f.Services = make([]fleetService, len(members))
	lives := make([]*life, len(members))
	a.each(len(members), func(i int) { lives[i] = a.lookAt(ctx, members[i]) })
	said := <-asked
	if ctx.Err() != nil {
		return f, context.Cause(ctx)
	}
	if said.err != nil {
		f.Notes = append(f.Notes, m.Name()+" does not report which services it restarts or has given up: "+said.err.Error())
	}
	a.each(len(lives), func(i int) { f.Services[i] = a.judge(lives[i], m, said.unsettled) })
	down := func(s fleetService) bool { return s.Installed && s.Phase == platform.PhaseFailed }
	if _, ok := m.(platform.Surveyor); m != nil && !ok && slices.ContainsFunc(f.Services, down) {
		f.Notes = append(f.Notes, m.Name()+" does not report for all services which it is about to restart: use the `status` of each failed one")
	}
	if scope == platform.ScopeUser {
		f.Notes = append(f.Notes, "these are your own services; those of the system: --scope system, as root")
	} else if !a.Privileged() {
		f.Notes = append(f.Notes, "some of it is visible to root only")
	}
	return f, nil
}

// each calls do for 0 to n-1, in as many goroutines as there are processors.
func (a *app) each(n int, do func(int)) {
	var all sync.WaitGroup
	var next atomic.Int64
	for range min(n, runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	all.Wait()
}

// members returns the services with a record, a definition or a state file, sorted by name.
func (a *app) members(m platform.Manager, scope platform.Scope) (all []*member, notes []string) {
	found := map[string]*member{}
	add := func(name string) *member {
		id, ok := parseID(name, scope)
		if !ok {
			return nil
		}
		if found[name] == nil {
			found[name] = &member{id: id}
		}
		return found[name]
	}
	if path, err := a.Manifest(platform.ID{Name: "x", Scope: scope}); err == nil {
		entries, err := os.ReadDir(filepath.Dir(path))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			notes = append(notes, "the records of install cannot be listed: "+err.Error())
		}
		var recorded []*member
		for _, e := range entries {
			if name, ok := strings.CutSuffix(e.Name(), ".json"); ok && !e.IsDir() {
				if one := add(name); one != nil {
					recorded = append(recorded, one)
				}
			}
		}
		read := state.Manifests(filepath.Dir(path))
		a.each(len(recorded), func(i int) {
			one := recorded[i]
			one.manifest, one.bad = read(filepath.Base(state.ManifestPath("", one.id.String())))
		})
	}
	if d, err := (service.Config{Name: "x"}).DirsFor(scope); err == nil && d.Runtime != "" {
		root := filepath.Dir(d.Runtime)
		dirs, _ := os.ReadDir(root) //nolint:errcheck // then nobody runs
		for _, dir := range dirs {
			if one := found[dir.Name()]; one != nil && one.manifest.Format > 0 {
				continue // the record says where its file is
			}
			entries, _ := os.ReadDir(filepath.Join(root, dir.Name())) //nolint:errcheck // it is no directory, or nobody's business
			for _, e := range entries {
				name, ok := strings.CutSuffix(e.Name(), state.FileName(""))
				if !ok { // not ours
					continue
				}
				if one := add(name); one != nil && one.manifest.Format == 0 {
					one.runtime = filepath.Join(root, dir.Name())
				}
			}
		}
	}
	if c, ok := m.(platform.Catalogue); ok {
		pattern, suffix := c.Definitions(scope)
		paths, _ := filepath.Glob(pattern) //nolint:errcheck // the pattern is good
		for _, path := range paths {
			name := strings.TrimSuffix(filepath.Base(path), suffix)
			if one := found[name]; one != nil && one.manifest.Format > 0 {
				one.defined = true
				continue
			}
			if content, _, err := files.Read(path, files.MaxRecord); err == nil && c.Made(content) {
				if one := add(name); one != nil {
					one.defined = true
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		all = append(all, found[name])
	}
	return all, notes
}

// parseID returns the ID with that name and instance. It is false if no service can have the
// name.
func parseID(name string, scope platform.Scope) (platform.ID, bool) {
	if strings.HasSuffix(name, ".supervisor") { // the file of a supervisor belongs to no service
		return platform.ID{}, false
	}
	plain, instance, instantiated := strings.Cut(name, "@")
	if platform.CheckName(plain) != nil || instantiated && platform.CheckName(instance) != nil {
		return platform.ID{}, false
	}
	return platform.ID{Name: plain, Instance: instance, Scope: scope}, true
}
