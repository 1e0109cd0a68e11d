package journaltest

import (
	"sync"
	"testing"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

func holds() []test {
	return []test{
		{"WorkThatIsHeldWaitsAndWhatIsBehindItDoesNot", workThatIsHeldWaitsAndWhatIsBehindItDoesNot},
		{"WhatFailedByItselfIsTriedAgainAsTheSameWork", whatFailedByItselfIsTriedAgainAsTheSameWork},
		{"WhatWasKilledIsRunAgainAndCountsAsACrash", whatWasKilledIsRunAgainAndCountsAsACrash},
	}
}

// kinds are the kinds of work that have to wait.

type kinds struct {
	mu   sync.Mutex
	held map[string]bool
}

func (k *kinds) set(kind string, held bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held[kind] = held
}

func (k *kinds) hold(e journal.Entry) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.held[e.Kind]
}

func workThatIsHeldWaitsAndWhatIsBehindItDoesNot(t *testing.T, k Kind) {
	rt := k.ready(t)
	held := &kinds{held: map[string]bool{"slow": true}}
	o := journal.Options{Hold: held.hold}
	j := open(t, rt, o)
	var slow []journal.Entry
	enqueue := func(kind string) journal.Entry {
		e, err := j.Enqueue(t.Context(), journal.Work{Kind: kind, Rerun: true})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	for range 3 {
		slow = append(slow, enqueue("slow"))
	}
	quick := enqueue("quick")
	if got := Next(t, j); got.ID != quick.ID {
		t.Fatalf("%d is handed out, want %d", got.ID, quick.ID)
	}
	None(t, j)
	if e := Show(t, j, slow[0].ID); e.State != journal.Queued || e.Term != rt.token() {
		t.Errorf("what waits is %s", e.State)
	}
	held.set("slow", false)
	j.Wake()
	if got := Next(t, j); got.ID != slow[0].ID {
		t.Fatalf("%d is handed out, want %d", got.ID, slow[0].ID)
	}
	held.set("slow", true)

	// The same after a crash: a rerun waits, is shown as interrupted, and comes in its order.
	j = again(t, j, rt, o)
	if got := Next(t, j); got.RerunOf != quick.ID {
		t.Fatalf("%+v", got)
	}
	None(t, j)
	if e := Show(t, j, slow[0].ID); e.State != journal.Interrupted {
		t.Errorf("what waits to be run again is %s", e.State)
	}
	held.set("slow", false)
	j.Wake()
	if got := Next(t, j); got.RerunOf != slow[0].ID {
		t.Errorf("%+v", got)
	}
	for _, e := range slow[1:] {
		if got := Next(t, j); got.ID != e.ID {
			t.Errorf("%d is handed out, want %d", got.ID, e.ID)
		}
	}
	None(t, j)
}

func whatFailedByItselfIsTriedAgainAsTheSameWork(t *testing.T, k Kind) {
	rt := k.ready(t)
	j := open(t, rt, journal.Options{})
	e := Begin(t, j, journal.Work{Kind: "import", Key: "k", Rerun: true})
	again1, err := j.Retry(t.Context(), e.ID, "exit code 3")
	if err != nil || again1.ID != e.ID || again1.Attempt != 2 || again1.Failures != 1 || again1.State != journal.Begun || again1.Crashes != 0 {
		t.Fatalf("%+v, %v", again1, err)
	}
	// A crash between two tries loses no work.
	j = again(t, j, rt, journal.Options{})
	got := Next(t, j)
	if got.RerunOf != e.ID || got.Attempt != 3 || got.Failures != 1 || got.Key != "k" {
		t.Errorf("%+v", got)
	}
	if err := j.Finish(t.Context(), got.ID, journal.Outcome{State: journal.Failed, Reason: "exit code 3"}); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Retry(t.Context(), got.ID, "too late"); err == nil {
		t.Error("what has ended is tried again")
	}
	None(t, j)
}

func whatWasKilledIsRunAgainAndCountsAsACrash(t *testing.T, k Kind) {
	rt := k.ready(t)
	j := open(t, rt, journal.Options{MaxCrashes: 2})
	e := Begin(t, j, journal.Work{Kind: "import", Rerun: true})
	killed := journal.Outcome{State: journal.Interrupted, Reason: "killed"}
	if err := j.Finish(t.Context(), e.ID, killed); err != nil {
		t.Fatal(err)
	}
	got := Next(t, j)
	if got.RerunOf != e.ID || got.Crashes != 1 {
		t.Fatalf("%+v", got)
	}
	if err := j.Finish(t.Context(), got.ID, killed); err != nil {
		t.Fatal(err)
	}
	None(t, j)
	if e := Show(t, j, got.ID); e.State != journal.SetAside || e.Reason != "killed" {
		t.Errorf("%+v", e)
	}
}
