package journal_test

import (
	"errors"
	"testing"
	"time"

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
	rt.Number = 2 // a summary of an earlier run does not count
	old, err := journal.Open(rt, journal.Options{Store: m})
	if err != nil || !errors.Is(old.Refused(), journal.ErrSuperseded) {
		t.Errorf("%v, %v", old.Refused(), err)
	}
	_ = old.Close()
	if w, err := recovery.ReadWork(rt.StatePath(journal.Suffix)); err != nil || w.Refused != "" || w.Begun != 1 {
		t.Errorf("%+v, %v", w, err)
	}
	rt.Number = 4
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
