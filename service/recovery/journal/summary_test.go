package journal_test

import (
	"errors"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

// said returns the summary of rt's journal as soon as it satisfies want.
func said(t *testing.T, rt *runtime, want func(recovery.Work) bool) recovery.Work {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		w, err := recovery.ReadWork(rt.StatePath(journal.Suffix))
		if err != nil {
			t.Fatal(err)
		}
		if w != nil && want(*w) {
			return *w
		}
		if time.Now().After(deadline) {
			t.Fatalf("it says %+v", w)
		}
	}
}

func TestAJournalSaysWhatItHas(t *testing.T) {
	rt := ready(t.TempDir(), 1)
	if w, err := recovery.ReadWork(rt.StatePath(journal.Suffix)); w != nil || err != nil {
		t.Errorf("without a journal: %+v, %v", w, err)
	}
	j := open(t, rt, journal.Options{MaxCrashes: 1})
	begin(t, j, journal.Work{Kind: `"state":"queued"`, Params: []byte(`"state":"set-aside"`)})
	begin(t, j, journal.Work{Kind: "x", Rerun: true})
	if _, err := j.Enqueue(t.Context(), journal.Work{Kind: "y"}); err != nil {
		t.Fatal(err)
	}
	if w := said(t, rt, func(w recovery.Work) bool { return w.Queued == 1 }); w.Begun != 2 || w.Term != 1 || w.SetAside+w.Interrupted+w.Damaged != 0 {
		t.Errorf("%+v", w)
	}
	j = again(t, j, rt, journal.Options{MaxCrashes: 1})
	said(t, rt, func(w recovery.Work) bool { return w.Term == 2 })
	next(t, j)
	if err := j.Close(); err != nil { // writes the last summary
		t.Fatal(err)
	}
	if w := said(t, rt, func(recovery.Work) bool { return true }); w.Begun != 1 || w.SetAside != 1 || w.Interrupted != 1 || w.Queued != 0 || w.Term != 2 {
		t.Errorf("%+v", w)
	}
	down, err := journal.OpenStopped(rt.StatePath(journal.Suffix))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := down.Abort(t.Context(), 2); err != nil {
		t.Error(err)
	}
	if err := down.Close(); err != nil {
		t.Error(err)
	}
	if w := said(t, rt, func(recovery.Work) bool { return true }); w.SetAside != 0 || w.Term != 0 {
		t.Errorf("after a command: %+v", w)
	}
}

func TestARefusedJournalSaysSo(t *testing.T) {
	rt := ready(t.TempDir(), 3)
	m := newMemory()
	j := open(t, rt, journal.Options{Store: m})
	begin(t, j, journal.Work{Kind: "x"})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := recovery.ReadWork(rt.StatePath(journal.Suffix))
	if err != nil || before == nil || before.Begun != 1 {
		t.Fatalf("%+v, %v", before, err)
	}
	rt.term = 2 // a summary of an earlier run does not count
	old, err := journal.Open(rt, journal.Options{Store: m})
	if err != nil || !errors.Is(old.Refused(), journal.ErrSuperseded) {
		t.Errorf("%v, %v", old.Refused(), err)
	}
	_ = old.Close()
	if w, err := recovery.ReadWork(rt.StatePath(journal.Suffix)); err != nil || w.Refused != "" || w.Begun != 1 {
		t.Errorf("%+v, %v", w, err)
	}
	rt.term = 4
	m.mu.Lock()
	m.down = true
	m.mu.Unlock()
	if j, err = journal.Open(rt, journal.Options{Store: m}); err != nil || j.Refused() == nil {
		t.Fatalf("%v, %v", j.Refused(), err)
	}
	if w, err := recovery.ReadWork(rt.StatePath(journal.Suffix)); err != nil || w.Refused == "" {
		t.Errorf("%+v, %v", w, err)
	}
}

// An after is a runtime that knows how the last run ended.
type after struct {
	*runtime
	last recovery.LastRun
}

func (a after) Recovery() recovery.LastRun { return a.last }

// Nothing that was requested counts as a crash of the work in progress.
func TestOnlyCrashesCountTowardsPoison(t *testing.T) {
	ended := func(e platform.Exit) recovery.LastRun { return recovery.LastRun{Started: time.Now(), Exit: &e} }
	trial := recovery.LastRun{Started: time.Now(), Trial: "a", Change: recovery.RolledBack}
	for name, c := range map[string]struct {
		last  recovery.LastRun
		crash bool
	}{
		"clean":                  {ended(platform.Exit{Clean: true}), false},
		"forced":                 {recovery.LastRun{Started: time.Now(), Forced: true, Exit: &platform.Exit{Code: 1}}, false},
		"failed":                 {ended(platform.Exit{Code: 1}), true},
		"panicked":               {ended(platform.Exit{Code: platform.ExitCrashed}), true},
		"killed":                 {recovery.LastRun{Started: time.Now()}, true},
		"power cut":              {recovery.LastRun{Started: time.Now(), Reboot: true}, true},
		"candidate, rolled back": {trial, false},
		"killed, and downgraded": {recovery.LastRun{Started: time.Now(), Change: recovery.RolledBack}, true},
	} {
		t.Run(name, func(t *testing.T) {
			m, rt := newMemory(), ready(t.TempDir(), 1)
			j := open(t, rt, journal.Options{Store: m})
			e := begin(t, j, journal.Work{Kind: "x", Rerun: true})
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			for n := range 4 {
				c.last.Term = rt.term
				rt.term++
				j, err := journal.Open(after{rt, c.last}, journal.Options{Store: m, MaxCrashes: 3})
				if err != nil {
					t.Fatal(err)
				}
				if c.crash && n == 2 {
					none(t, j)
					if got := show(t, j, e.ID+uint64(n)); got.State != journal.SetAside || got.Crashes != 3 {
						t.Errorf("%+v", got)
					}
					_ = j.Close()
					return
				}
				got := next(t, j)
				if want := map[bool]int{true: n + 1}[c.crash]; got.Crashes != want || got.Attempt != n+2 {
					t.Errorf("start %d: %d crashes, attempt %d", n, got.Crashes, got.Attempt)
				}
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
