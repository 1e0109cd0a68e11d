package scm_test

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/installer"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/scm"
)

// Apply makes the fake a platform.Applier, like the real machine.
func (f *fake) Apply(ctx context.Context, s platform.Step) error {
	return f.manager().Applier().Apply(ctx, s)
}

// Inverse does the same.
func (f *fake) Inverse(ctx context.Context, s platform.Step) ([]platform.Step, error) {
	return f.manager().Applier().Inverse(ctx, s)
}

func (f *fake) install(ctx context.Context, u platform.Unit) error {
	steps, err := f.manager().Plan(ctx, u)
	if err != nil {
		return err
	}
	return installer.Apply(ctx, f, steps, nil)
}

func (f *fake) uninstall(ctx context.Context, id platform.ID) error {
	steps, err := f.manager().Removal(ctx, id)
	if err != nil {
		return err
	}
	return installer.Apply(ctx, f, steps, nil)
}

func TestInstallAndUninstall(t *testing.T) {
	for _, u := range []platform.Unit{unit("feedd"), everything()} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			name := u.ID.String()
			for range 2 {
				if err := f.install(t.Context(), u); err != nil {
					t.Fatal(err)
				}
			}
			want, err := scm.Render(u, dirs)
			if err != nil || !reflect.DeepEqual(f.services[name].r, want) || f.sources[name] != scm.OurSource() || len(f.lists) != 4 {
				t.Errorf("%v, %+v, %v, %v", err, f.services[name], f.sources, f.lists)
			}
			if f.did("Change " + name) {
				t.Error("the second time nothing differs, and it was changed")
			}
			// Over a service that runs, with another command line.
			if err := f.manager().Start(t.Context(), u.ID); err != nil {
				t.Fatal(err)
			}
			other := u
			other.Exec = append(slices.Clone(u.Exec), "more")
			if err := f.install(t.Context(), other); err != nil || !strings.HasSuffix(f.services[name].r.BinaryPath, "more") {
				t.Errorf("%v, %+v", err, f.services[name].r)
			}
			pid := f.services[name].s.PID
			for range 2 {
				if err := f.uninstall(t.Context(), u.ID); err != nil {
					t.Fatal(err)
				}
			}
			_, runtimeLeft := f.lists[dirs.Runtime]
			if len(f.services) != 0 || len(f.sources) != 0 || f.alive[pid] || runtimeLeft {
				t.Errorf("left: %v %v %v", f.services, f.sources, f.lists)
			}
		})
	}
}

// A failed install is undone completely.
func TestFailedInstallIsTakenBack(t *testing.T) {
	old := everything()
	old.ID, old.User = feedd, ""
	for _, call := range []string{"Create", "Change", "PutSource"} {
		for _, before := range []bool{false, true} {
			f := newFake()
			if before {
				f.has(old)
			}
			was := map[string]scm.Registration{}
			for name, e := range f.services {
				was[name] = e.r
			}
			f.fail[call] = 5
			if err := f.install(t.Context(), unit("feedd")); (call == "Create") == before && call != "PutSource" {
				if err != nil {
					t.Errorf("%s: %v", call, err)
				}
				continue
			} else if !errors.Is(err, platform.ErrPermission) {
				t.Errorf("%s: got %v", call, err)
			}
			is := map[string]scm.Registration{}
			for name, e := range f.services {
				is[name] = e.r
			}
			if !reflect.DeepEqual(is, was) || len(f.sources) != 0 || len(f.lists) != 0 {
				t.Errorf("%s, before %v: left %v, %v, %v", call, before, is, f.sources, slices.Collect(maps.Keys(f.lists)))
			}
		}
	}
}

func TestFailedUninstallIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		if err := f.install(t.Context(), unit("feedd")); err != nil {
			t.Fatal(err)
		}
		was := f.services["feedd"].r
		if err := f.manager().Start(t.Context(), feedd); err != nil {
			t.Fatal(err)
		}
		f.fail["PutSource"] = 5
		for _, state := range []scm.State{scm.Running, scm.Stopped} {
			if err := f.uninstall(t.Context(), feedd); !errors.Is(err, platform.ErrPermission) {
				t.Fatalf("got %v", err)
			}
			e := f.services["feedd"]
			if e == nil || !reflect.DeepEqual(e.r, was) || e.s.State != state {
				t.Errorf("after a failed uninstall it is %+v, want %v", e, state)
			}
			if err := f.manager().Stop(t.Context(), feedd); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A process that has the service open delays its deletion.
func TestUninstallIsOverWhenItIsGone(t *testing.T) {
	for _, open := range []time.Duration{5 * time.Second, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			e := f.has(unit("feedd"))
			e.handles = 1
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				select {
				case <-time.After(open):
				case <-ctx.Done():
				}
				f.mu.Lock()
				e.handles = 0
				f.mu.Unlock()
			}()
			begun := time.Now()
			err := f.uninstall(t.Context(), feedd)
			switch took := time.Since(begun); {
			case open < time.Minute && (err != nil || took < open):
				t.Errorf("%v after %v", err, took)
			case open > time.Minute && (!errors.Is(err, platform.ErrTimeout) || !strings.Contains(err.Error(), "services.msc")):
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestInstallBehindAnUninstall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		e := f.has(unit("feedd"))
		e.handles, e.deleted = 1, true
		go func() {
			time.Sleep(3 * time.Second)
			f.mu.Lock()
			e.handles = 0
			f.mu.Unlock()
		}()
		// It is still in the database, and ours: it is changed, which Windows refuses.
		f.fail["Config"] = 1060
		if err := f.install(t.Context(), unit("feedd")); err != nil || f.services["feedd"].deleted {
			t.Errorf("%v, %+v", err, f.services["feedd"])
		}
	})
}

func TestServicesOfOthersAreLeftAlone(t *testing.T) {
	f := newFake()
	e := f.has(unit("feedd"))
	e.r.Parameters = map[string]string{"Made": "by hand"}
	if err := f.install(t.Context(), unit("feedd")); !errors.Is(err, platform.ErrPermission) {
		t.Errorf("install: %v", err)
	}
	if err := f.uninstall(t.Context(), feedd); !errors.Is(err, platform.ErrPermission) {
		t.Errorf("uninstall: %v", err)
	}
	f = newFake()
	theirs := scm.Source{Exists: true, MessageFile: `C:\theirs.dll`, Types: 1}
	f.sources["feedd"] = theirs
	if err := f.install(t.Context(), unit("feedd")); !errors.Is(err, platform.ErrPermission) || f.sources["feedd"] != theirs {
		t.Errorf("source: %v, %v", err, f.sources)
	}
	f.has(unit("feedd"))
	if err := f.uninstall(t.Context(), feedd); err != nil || f.sources["feedd"] != theirs {
		t.Errorf("uninstall: %v, %v", err, f.sources)
	}
}

// A directory that an administrator has made and named keeps its access list.
func TestNamedDirectoriesStayAsTheyAre(t *testing.T) {
	f := newFake()
	u := unit("feedd")
	u.RuntimeDir, u.StateDir = `D:\run`, `D:\state`
	f.lists[u.RuntimeDir] = "theirs"
	if err := f.install(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	if f.lists[u.RuntimeDir] != "theirs" || !strings.HasPrefix(f.lists[u.StateDir], "O:BA") {
		t.Errorf("%v", f.lists)
	}
	if err := f.uninstall(t.Context(), feedd); err != nil || f.lists[u.RuntimeDir] != "theirs" {
		t.Errorf("%v, %v", err, f.lists)
	}
}

func TestStatus(t *testing.T) {
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	d := platform.Defaults().Restart
	next := &platform.NextTry{Delay: d.Delay, Max: d.Max, Window: d.Window}
	for name, tt := range map[string]struct {
		s      scm.Status
		writes string
		want   platform.Status
	}{
		"never started": {s: scm.Status{State: scm.Stopped, Win32Exit: 1077}, want: platform.Status{Phase: platform.PhaseStopped}},
		"stopped":       {s: scm.Status{State: scm.Stopped}, want: platform.Status{Phase: platform.PhaseStopped, LastExit: &platform.Exit{Clean: true, Reason: "exit code"}}},
		"failed":        {s: scm.Status{State: scm.Stopped, Win32Exit: 1066, ServiceExit: 70}, want: platform.Status{Phase: platform.PhaseFailed, LastExit: &platform.Exit{Code: 70, Reason: "exit code"}, Next: next}},
		"for good":      {s: scm.Status{State: scm.Stopped, ServiceExit: 75}, want: platform.Status{Phase: platform.PhaseFailed, LastExit: &platform.Exit{Code: 75, Reason: "exit code"}}},
		"killed":        {s: scm.Status{State: scm.Stopped, Win32Exit: 1067}, want: platform.Status{Phase: platform.PhaseFailed, LastExit: &platform.Exit{Code: -1, Reason: "its process was killed or crashed"}, Next: next}},
		"error":         {s: scm.Status{State: scm.Stopped, Win32Exit: 5}, want: platform.Status{Phase: platform.PhaseFailed, LastExit: &platform.Exit{Code: 5, Reason: "error of Windows", Means: "its account may not execute the program, or not enter its directory"}}},
		"starting": {
			s: scm.Status{State: scm.StartPending, PID: 7}, writes: `"phase":"starting","phase_since":"2026-01-02T03:04:05Z","status_text":"half","restarts":3`,
			want: platform.Status{Phase: platform.PhaseStarting, PID: 7, Since: since, Text: "half", Restarts: 3},
		},
		"running":   {s: scm.Status{State: scm.Running, PID: 7}, want: platform.Status{Phase: platform.PhaseReady, PID: 7}},
		"reloading": {s: scm.Status{State: scm.Running, PID: 7}, writes: `"phase":"reloading","phase_since":"2026-01-02T03:04:05Z"`, want: platform.Status{Phase: platform.PhaseReloading, PID: 7, Since: since}},
		"stopping":  {s: scm.Status{State: scm.StopPending, PID: 7}, want: platform.Status{Phase: platform.PhaseStopping, PID: 7}},
		// The service proper is the child of what the SCM has started; a stranger's state file says nothing.
		"keeping":   {s: scm.Status{State: scm.Running, PID: 7}, writes: `"process":{"pid":8},"keeper":7,"phase":"reloading"`, want: platform.Status{Phase: platform.PhaseReloading, PID: 8}},
		"kept by 9": {s: scm.Status{State: scm.Running, PID: 7}, writes: `"process":{"pid":8},"keeper":9,"phase":"reloading"`, want: platform.Status{Phase: platform.PhaseReady, PID: 7}},
		"paused":    {s: scm.Status{State: 7, PID: 7}, want: platform.Status{Phase: platform.PhaseUnknown, PID: 7}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			e := f.has(unit("feedd"))
			e.s = tt.s
			f.alive[7] = true
			if tt.writes != "" {
				f.wrote(e, tt.writes)
			}
			tt.want.Manager, tt.want.Installed, tt.want.Enabled = "scm", true, true
			got, err := f.manager().Status(t.Context(), feedd)
			if got.Definition == nil || !got.Definition.Ours {
				t.Errorf("definition %v", got.Definition)
			}
			got.Definition = nil
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}

func TestStatusOfWhatIsNotThere(t *testing.T) {
	f := newFake()
	for _, id := range []platform.ID{feedd, {Name: "feedd", Scope: platform.ScopeUser}} {
		st, err := f.manager().Status(t.Context(), id)
		if err != nil || st.Installed || st.Phase != platform.PhaseStopped {
			t.Errorf("%+v, %v", st, err)
		}
	}
	// One who may not read the configuration still learns that it runs.
	e := f.has(unit("feedd"))
	e.s = up
	f.fail["Config"] = 5
	if st, err := f.manager().Status(t.Context(), feedd); err != nil || st.Phase != platform.PhaseReady {
		t.Errorf("%+v, %v", st, err)
	}
	f.fail["Query"] = 5
	if _, err := f.manager().Status(t.Context(), feedd); !errors.Is(err, platform.ErrPermission) {
		t.Errorf("got %v", err)
	}
}

func TestLogs(t *testing.T) {
	m := newFake().manager()
	if got := strings.Join(m.Logs(feedd, 5, false), " "); !strings.Contains(got, "[@Name='feedd']") || !strings.HasSuffix(got, "/count:5") {
		t.Error(got)
	}
	if m.Logs(feedd, 5, true) != nil || strings.Contains(strings.Join(m.Logs(feedd, -1, false), " "), "count") {
		t.Error("what cannot be had is offered")
	}
}

// On other systems a plan can be made, but nothing else.
func TestPlanElsewhere(t *testing.T) {
	if _, err := (scm.Local{}).Query("feedd"); !errors.Is(err, errors.ErrUnsupported) {
		t.Skip("here is an SCM")
	}
	m := scm.New(newFake(), scm.Local{}, scm.Options{Dirs: func(platform.ID) (scm.Dirs, error) { return dirs, nil }})
	steps, err := m.Plan(t.Context(), unit("feedd"))
	if err != nil || len(steps) != 6 || steps[5].Payload.(scm.Registration).BinaryPath != `"C:\Program Files\Feed\feedd.exe" run` {
		t.Errorf("%+v, %v", steps, err)
	}
	if err := installer.Apply(t.Context(), struct {
		platform.System
		platform.Applier
	}{newFake(), m.Applier()}, steps, nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
}

// The registration can be compared with the one that install would make, although it is not a
// file.
func TestIssue10_5_WhatIsRegisteredIsComparable(t *testing.T) {
	f := newFake()
	u := unit("feedd")
	payloads := func() (there, wanted []any) {
		steps, err := f.manager().Plan(t.Context(), u)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range steps {
			if there1, is := f.manager().Registered(t.Context(), u.ID, s); is {
				there, wanted = append(there, there1), append(wanted, s.Payload)
			}
		}
		return there, wanted
	}
	if there, wanted := payloads(); len(wanted) != 1 || there[0] != nil {
		t.Errorf("nothing is installed: %v, %v", there, wanted)
	}
	if err := f.install(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	if there, wanted := payloads(); !reflect.DeepEqual(there, wanted) {
		t.Errorf("installed:\n%+v\n%+v", there, wanted)
	}
	for _, e := range f.services { // as in Wine, which does not return it
		e.r.Recovery, e.r.OwnSID = nil, false
	}
	if there, wanted := payloads(); !reflect.DeepEqual(there, wanted) {
		t.Errorf("installed on a system that does not tell all:\n%+v\n%+v", there, wanted)
	}
	u.User = "LocalService"
	if there, wanted := payloads(); reflect.DeepEqual(there, wanted) {
		t.Errorf("another user: %+v", there)
	}
}
