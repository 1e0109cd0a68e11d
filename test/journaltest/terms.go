package journaltest

import (
	"errors"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

func terms() []test {
	return []test{
		{"TheStoreKeepsAnEarlierTermOut", theStoreKeepsAnEarlierTermOut},
		{"OnlyCrashesCountTowardsPoison", onlyCrashesCountTowardsPoison},
	}
}

func theStoreKeepsAnEarlierTermOut(t *testing.T, k Kind) {
	if k.Alone {
		t.Skip("the earlier run keeps the later one out")
	}
	rt := k.ready(t)
	old := open(t, rt, journal.Options{})
	e := Begin(t, old, journal.Work{Kind: "x", Rerun: true})
	rt.begin(t)
	now := open(t, rt, journal.Options{})
	got := Next(t, now)
	for name, err := range map[string]error{
		"finish":     old.Finish(t.Context(), e.ID, journal.Outcome{}),
		"finish new": old.Finish(t.Context(), got.ID, journal.Outcome{}),
		"checkpoint": old.Checkpoint(t.Context(), got.ID, []byte("x")),
	} {
		if !errors.Is(err, journal.ErrSuperseded) && !errors.Is(err, journal.ErrNone) { // it does not see what is new
			t.Errorf("%s by the earlier run: %v", name, err)
		}
	}
	if _, err := old.Begin(t.Context(), journal.Work{}); !errors.Is(err, journal.ErrSuperseded) {
		t.Error(err)
	}
	if e := Show(t, now, got.ID); e.State != journal.Begun || e.Checkpoint != nil {
		t.Errorf("%+v", e)
	}
	if n := len(List(t, now)); n != 2 {
		t.Errorf("%d entries", n)
	}
}

// An after is a runtime that knows how the last run ended.
type after struct {
	*Runtime
	last recovery.LastRun
}

func (a after) Recovery() recovery.LastRun { return a.last }

// Nothing that was requested counts as a crash of the work in progress.
func onlyCrashesCountTowardsPoison(t *testing.T, k Kind) {
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
			rt := k.ready(t)
			j := open(t, rt, journal.Options{})
			e := Begin(t, j, journal.Work{Kind: "x", Rerun: true})
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			for n := range 4 {
				c.last.Term = rt.token()
				rt.begin(t)
				j, err := journal.Open(after{rt, c.last}, journal.Options{Store: rt.store, MaxCrashes: 3})
				if err != nil {
					t.Fatal(err)
				}
				if c.crash && n == 2 {
					None(t, j)
					if got := Show(t, j, e.ID+uint64(n)); got.State != journal.SetAside || got.Crashes != 3 {
						t.Errorf("%+v", got)
					}
					_ = j.Close()
					return
				}
				got := Next(t, j)
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
