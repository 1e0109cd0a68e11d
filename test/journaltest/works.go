package journaltest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

func works() []test {
	return []test{
		{"WorkIsWrittenDownAndComesBackOnce", workIsWrittenDownAndComesBackOnce},
		{"NextWaitsForReadinessAndForWhoAsks", nextWaitsForReadinessAndForWhoAsks},
		{"NextHandsOutNothingOnceItsContextHasEnded", nextHandsOutNothingOnceItsContextHasEnded},
		{"AKeyIsBegunOnce", aKeyIsBegunOnce},
		{"WorkThatCrashesTheServiceIsSetAsideAndReleased", workThatCrashesTheServiceIsSetAsideAndReleased},
		{"WhatTwoBranchesSeeRunsOnce", whatTwoBranchesSeeRunsOnce},
		{"AWorkerThatReportsBackInTimeIsNotRunAgain", aWorkerThatReportsBackInTimeIsNotRunAgain},
		{"SizesAreBounded", sizesAreBounded},
	}
}

func workIsWrittenDownAndComesBackOnce(t *testing.T, k Kind) {
	rt := k.ready(t)
	j := open(t, rt, journal.Options{})
	a := Begin(t, j, journal.Work{Kind: "report", Trigger: journal.Manual, Params: []byte("42"), Rerun: true})
	b := Begin(t, j, journal.Work{Kind: "import", Trigger: journal.Scheduled, Rerun: true})
	c := Begin(t, j, journal.Work{Kind: "mail", Trigger: journal.API, Rerun: true})
	d := Begin(t, j, journal.Work{Kind: "sweep", Trigger: journal.Scheduled})
	if err := j.Checkpoint(t.Context(), a.ID, []byte("row 7")); err != nil {
		t.Fatal(err)
	}
	if err := j.Finish(t.Context(), c.ID, journal.Outcome{}); err != nil {
		t.Fatal(err)
	}

	j = again(t, j, rt, journal.Options{})
	first, second := Next(t, j), Next(t, j)
	if first.RerunOf != a.ID || second.RerunOf != b.ID {
		t.Errorf("handed out are reruns of %d and %d, want %d and %d", first.RerunOf, second.RerunOf, a.ID, b.ID)
	}
	if string(first.Params) != "42" || string(first.Checkpoint) != "row 7" || first.Key != a.Key || first.Trigger != journal.Manual ||
		first.Attempt != 2 || first.Crashes != 1 || first.Term != rt.token() || first.State != journal.Begun {
		t.Errorf("the rerun is %+v", first.Entry)
	}
	None(t, j)
	for id, want := range map[uint64]journal.State{a.ID: journal.Rerun, b.ID: journal.Rerun, c.ID: journal.Finished, d.ID: journal.Interrupted} {
		if e := Show(t, j, id); e.State != want {
			t.Errorf("%d (%s) is %s, want %s", id, e.Kind, e.State, want)
		}
	}
	if e := Show(t, j, a.ID); e.RerunAs != first.ID {
		t.Errorf("%d was run again as %d, and says %d", a.ID, first.ID, e.RerunAs)
	}
}

func nextWaitsForReadinessAndForWhoAsks(t *testing.T, k Kind) {
	rt := k.ready(t)
	j := open(t, rt, journal.Options{})
	Begin(t, j, journal.Work{Kind: "a", Rerun: true})
	Begin(t, j, journal.Work{Kind: "b", Rerun: true})
	rt.Opened = make(chan struct{})
	j = again(t, j, rt, journal.Options{})
	early, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := j.Next(early); !errors.Is(err, context.Canceled) {
		t.Errorf("before the service is ready: %v", err)
	}
	close(rt.Opened)
	if got := Next(t, j); got.Kind != "a" {
		t.Errorf("%+v", got)
	}
	all, _, err := j.List(0)
	if err != nil || len(all) != 3 || all[1].State != journal.Interrupted {
		t.Errorf("b was not asked for, and is: %+v, %v", all, err)
	}
}

func nextHandsOutNothingOnceItsContextHasEnded(t *testing.T, k Kind) {
	j := open(t, k.ready(t), journal.Options{})
	e := Begin(t, j, journal.Work{Kind: "a", Rerun: true})
	if err := j.Interrupt(t.Context(), e.ID, "the service stops"); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 50 {
		if got, err := j.Next(ended); !errors.Is(err, context.Canceled) {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	if got := Next(t, j); got.RerunOf != e.ID || got.Attempt != 2 {
		t.Errorf("%+v", got)
	}
}

func aKeyIsBegunOnce(t *testing.T, k Kind) {
	j := open(t, k.ready(t), journal.Options{})
	a := Begin(t, j, journal.Work{Kind: "pay", Key: "order 7"})
	e, err := j.Begin(t.Context(), journal.Work{Kind: "pay", Key: "order 7"})
	if !errors.Is(err, journal.ErrKnown) || e.ID != a.ID {
		t.Errorf("%+v, %v", e, err)
	}
	if b := Begin(t, j, journal.Work{Kind: "pay"}); b.Key == "" || b.Key == a.Key {
		t.Errorf("key %q", b.Key)
	}
}

func workThatCrashesTheServiceIsSetAsideAndReleased(t *testing.T, k Kind) {
	rt, o := k.ready(t), journal.Options{MaxCrashes: 3}
	j := open(t, rt, o)
	id := Begin(t, j, journal.Work{Kind: "poison", Rerun: true}).ID
	Begin(t, j, journal.Work{Kind: "good", Rerun: true})
	for range 2 {
		j = again(t, j, rt, o)
		id = Next(t, j).ID
		if good := Next(t, j); good.Kind != "good" {
			t.Fatalf("%+v", good)
		} else if err := j.Interrupt(t.Context(), good.ID, "the service stops"); err != nil {
			t.Fatal(err)
		}
	}
	j = again(t, j, rt, o)
	if got := Next(t, j); got.Kind != "good" || got.Crashes != 1 || got.Attempt != 4 {
		t.Errorf("%+v", got)
	}
	if e := Show(t, j, id); e.State != journal.SetAside || e.Crashes != 3 {
		t.Errorf("%+v", e)
	}
	None(t, j)
	if _, err := j.Release(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if got := Next(t, j); got.RerunOf != id || got.Crashes != 0 {
		t.Errorf("%+v", got)
	}
}

func whatTwoBranchesSeeRunsOnce(t *testing.T, k Kind) {
	j := open(t, k.ready(t), journal.Options{})
	a := Begin(t, j, journal.Work{Kind: "far", Rerun: true, Worker: "w1", Lease: time.Millisecond})
	// b: its lease runs out.
	got := Next(t, j)
	if got.RerunOf != a.ID {
		t.Fatalf("%+v", got)
	}
	// d: the worker returns, and finds its leftover.
	if err := j.Interrupt(t.Context(), a.ID, "the worker was restarted"); !errors.Is(err, journal.ErrEnded) {
		t.Error(err)
	}
	if err := j.Finish(t.Context(), a.ID, journal.Outcome{}); !errors.Is(err, journal.ErrEnded) {
		t.Error(err)
	}
	if err := j.Renew(a.ID, "w1"); !errors.Is(err, journal.ErrEnded) {
		t.Error(err)
	}
	None(t, j)
}

func aWorkerThatReportsBackInTimeIsNotRunAgain(t *testing.T, k Kind) {
	rt := k.ready(t)
	j := open(t, rt, journal.Options{})
	a := Begin(t, j, journal.Work{Kind: "far", Rerun: true, Worker: "w1", Lease: time.Hour})
	j = again(t, j, rt, journal.Options{}) // only the primary is killed
	None(t, j)
	if err := j.Renew(a.ID, "w1"); err != nil {
		t.Error(err)
	}
	if err := j.Renew(a.ID, "w2"); !errors.Is(err, journal.ErrEnded) {
		t.Error(err)
	}
	if err := j.Finish(t.Context(), a.ID, journal.Outcome{}); err != nil {
		t.Error(err)
	}
	j = again(t, j, rt, journal.Options{})
	None(t, j)
}

func sizesAreBounded(t *testing.T, k Kind) {
	j := open(t, k.ready(t), journal.Options{MaxBytes: 1})
	if _, err := j.Begin(t.Context(), journal.Work{Kind: "x"}); !errors.Is(err, journal.ErrFull) {
		t.Error(err)
	}
	j = open(t, k.ready(t), journal.Options{})
	if _, err := j.Begin(t.Context(), journal.Work{Params: make([]byte, journal.MaxPayload+1)}); !errors.Is(err, journal.ErrTooBig) {
		t.Error(err)
	}
	e := Begin(t, j, journal.Work{Params: make([]byte, journal.MaxPayload)})
	if err := j.Checkpoint(t.Context(), e.ID, []byte("x")); !errors.Is(err, journal.ErrTooBig) {
		t.Error(err)
	}
}
