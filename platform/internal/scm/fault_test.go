package scm_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/installer"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/internal/scm"
)

// A faulty is a machine that refuses its n-th call, or on which the calling process dies at
// that call.
type faulty struct {
	*fake
	dir     string // of the journal, in real files
	n       int    // 0: never
	code    uint32 // 0: the process dies, before or after the call
	after   bool
	onwards bool
	calls   []string
}

// dead is the panic value of a process that dies.
type dead struct{}

func (f *faulty) journal() string { return filepath.Join(f.dir, "feedd.journal") }

// do makes a call. The process does not die at a query, because nothing has changed since the
// last call.
func (f *faulty) do(name string, changes bool, call func() error) error {
	f.calls = append(f.calls, name)
	hit := len(f.calls) == f.n || f.onwards && f.n > 0 && len(f.calls) > f.n
	switch {
	case !hit:
		return call()
	case f.code != 0:
		return &scm.CallError{Call: name, Code: f.code}
	case !changes:
		return call()
	case f.after:
		_ = call()
	}
	panic(dead{})
}

func (f *faulty) Config(name string) (r scm.Registration, err error) {
	err = f.do("Config", false, func() (err error) { r, err = f.fake.Config(name); return })
	return r, err
}

func (f *faulty) Create(r scm.Registration) error {
	return f.do("Create", true, func() error { return f.fake.Create(r) })
}

func (f *faulty) Change(r scm.Registration) error {
	return f.do("Change", true, func() error { return f.fake.Change(r) })
}

func (f *faulty) Delete(name string) error {
	return f.do("Delete", true, func() error { return f.fake.Delete(name) })
}

func (f *faulty) Start(name string) error {
	return f.do("Start", true, func() error { return f.fake.Start(name) })
}

func (f *faulty) Control(name string, c scm.Control) error {
	return f.do("Control", true, func() error { return f.fake.Control(name, c) })
}

func (f *faulty) Source(name string) (s scm.Source, err error) {
	err = f.do("Source", false, func() (err error) { s, err = f.fake.Source(name); return })
	return s, err
}

func (f *faulty) PutSource(name string, s scm.Source) error {
	return f.do("PutSource", true, func() error { return f.fake.PutSource(name, s) })
}

func (f *faulty) Directory(path string) (list string, there bool, err error) {
	err = f.do("Directory", false, func() (err error) { list, there, err = f.fake.Directory(path); return })
	return list, there, err
}

func (f *faulty) MakeDirectory(path, list string) error {
	return f.do("MakeDirectory", true, func() error { return f.fake.MakeDirectory(path, list) })
}

func (f *faulty) WriteFile(path string, content []byte, mode fs.FileMode) error {
	return f.do("write", true, func() error { return files.Replace(path, content, mode, false) })
}

func (f *faulty) Remove(path string) error {
	return f.do("remove", true, func() error {
		if strings.HasPrefix(path, f.dir) {
			return os.Remove(path)
		}
		return f.fake.Remove(path)
	})
}

func (f *faulty) RemoveAll(path string) error {
	return f.do("remove all", true, func() error { return f.fake.RemoveAll(path) })
}

func (f *faulty) manager() *scm.Manager {
	return scm.New(f, f, scm.Options{
		Dirs:      func(platform.ID) (scm.Dirs, error) { return dirs, nil },
		Monotonic: func() (time.Duration, error) { return time.Hour, nil },
	})
}

func (f *faulty) Apply(ctx context.Context, s platform.Step) error {
	return f.manager().Applier().Apply(ctx, s)
}

func (f *faulty) Inverse(ctx context.Context, s platform.Step) ([]platform.Step, error) {
	return f.manager().Applier().Inverse(ctx, s)
}

// perform installs or uninstalls, after the recovery of an earlier attempt. died reports
// whether the process died.
func (f *faulty) perform(ctx context.Context, plan func(context.Context, *scm.Manager) ([]platform.Step, error)) (err error, died bool) { //nolint:revive,staticcheck // a pair, not an error
	defer func() {
		if r := recover(); r != nil {
			if _, died = r.(dead); !died {
				panic(r)
			}
		}
	}()
	if _, err := installer.Resume(ctx, f, f.journal(), nil); err != nil {
		return err, false
	}
	steps, err := plan(ctx, f.manager())
	if err != nil {
		return err, false
	}
	tx := installer.Begin(f, installer.Job{Journal: f.journal(), Verb: "install"})
	if err := tx.Apply(ctx, steps); err != nil {
		return err, false
	}
	return tx.Commit(ctx), false
}

// looks returns the present state of the machine.
func (f *faulty) looks() map[string]any {
	all := map[string]any{"sources": maps.Clone(f.sources), "lists": maps.Clone(f.lists)}
	for name, e := range f.services {
		if !e.deleted {
			all[name] = fmt.Sprintf("%+v %v", e.r, e.s.State)
			if e.r.Recovery != nil {
				all[name] = fmt.Sprintf("%v %+v", all[name], *e.r.Recovery)
				r := e.r
				r.Recovery = nil
				all[name] = fmt.Sprintf("%+v %+v %v", r, *e.r.Recovery, e.s.State)
			}
		}
	}
	return all
}

// Each call of install and uninstall is refused, or is the last one of its process. Afterwards
// the machine is as before or as after the operation, or a journal says what is left; and the
// next call reaches the right end.
func TestIssue11_Faults(t *testing.T) {
	install := func(u platform.Unit) func(context.Context, *scm.Manager) ([]platform.Step, error) {
		return func(ctx context.Context, m *scm.Manager) ([]platform.Step, error) { return m.Plan(ctx, u) }
	}
	remove := func(ctx context.Context, m *scm.Manager) ([]platform.Step, error) { return m.Removal(ctx, feedd) }
	old, adopts := unit("feedd"), unit("feedd")
	old.Exec = append(slices.Clone(old.Exec), "old")
	adopts.Adopt = true
	installed := func(ctx context.Context, f *faulty) { _, _ = f.perform(ctx, install(old)) }
	for name, scene := range map[string]struct {
		before func(context.Context, *faulty)
		plan   func(context.Context, *scm.Manager) ([]platform.Step, error)
	}{
		"install":                    {func(context.Context, *faulty) {}, install(unit("feedd"))},
		"install over an older one":  {installed, install(unit("feedd"))},
		"install over one that runs": {func(ctx context.Context, f *faulty) { installed(ctx, f); _ = f.fake.Start("feedd") }, install(unit("feedd"))},
		"take over":                  {func(_ context.Context, f *faulty) { f.theirs("LocalSystem") }, install(adopts)},
		"uninstall":                  {installed, remove},
		"uninstall what runs":        {func(ctx context.Context, f *faulty) { installed(ctx, f); _ = f.fake.Start("feedd") }, remove},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fresh := func() *faulty {
					f := &faulty{fake: newFake(), dir: t.TempDir()}
					scene.before(t.Context(), f)
					f.calls = nil
					return f
				}
				whole := fresh()
				before := whole.looks()
				if err, _ := whole.perform(t.Context(), scene.plan); err != nil {
					t.Fatal(err)
				}
				after := whole.looks()
				faults := 0
				for n := range whole.calls {
					for _, how := range []faulty{{code: 5}, {code: 112}, {code: 5, onwards: true}, {}, {after: true}} {
						f := fresh()
						f.n, f.code, f.onwards, f.after = n+1, how.code, how.onwards, how.after
						what := fmt.Sprintf("call %d, %s, code %d, onwards %v, after %v", n+1, whole.calls[n], f.code, f.onwards, f.after)
						err, died := f.perform(t.Context(), scene.plan)
						if f.code == 0 && !died {
							continue // a question
						}
						faults++
						f.n = 0
						p, bad := installer.Interrupted(f.journal())
						if bad != nil {
							t.Errorf("%s: %v", what, bad)
						}
						if p != nil && n%2 == 0 {
							if _, err := installer.Resume(t.Context(), f, f.journal(), nil); err != nil {
								t.Errorf("%s: %v", what, err)
							}
						}
						if now := f.looks(); (p == nil || n%2 == 0) && !reflect.DeepEqual(now, before) && !reflect.DeepEqual(now, after) {
							t.Errorf("%s: ended with %v, %v; it is\n%v\nbefore\n%v\nafter\n%v", what, err, p, now, before, after)
						}
						if err, _ := f.perform(t.Context(), scene.plan); err != nil && !errors.Is(err, platform.ErrForeign) {
							t.Errorf("%s: the next call: %v", what, err)
						}
						if now := f.looks(); !reflect.DeepEqual(now, after) {
							t.Errorf("%s: ended with %v; after the next call it is\n%v\nwant\n%v", what, err, now, after)
						}
					}
				}
				t.Logf("%d calls, %d faults", len(whole.calls), faults)
			})
		})
	}
}
