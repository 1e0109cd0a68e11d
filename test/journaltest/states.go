package journaltest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

func acting() []test {
	return []test{
		{"States", states},
		{"ARerunByHandBeginsAnew", aRerunByHandBeginsAnew},
		{"WhatIsAbortedWhileUnderWayIsTold", whatIsAbortedWhileUnderWayIsTold},
	}
}

// An act is something that happens to work.

type act struct {
	name string
	do   func(context.Context, *journal.Journal, uint64) error
}

func acts() []act {
	end := func(s journal.State) func(context.Context, *journal.Journal, uint64) error {
		return func(ctx context.Context, j *journal.Journal, id uint64) error {
			return j.Finish(ctx, id, journal.Outcome{State: s})
		}
	}
	hand := func(do func(*journal.Journal, context.Context, uint64) (journal.Entry, error)) func(context.Context, *journal.Journal, uint64) error {
		return func(ctx context.Context, j *journal.Journal, id uint64) error { _, err := do(j, ctx, id); return err }
	}
	return []act{
		{"finish", end("")},
		{"fail", end(journal.Failed)},
		{"time out", end(journal.TimedOut)},
		{"finish as queued", end(journal.Queued)},
		{"interrupt", func(ctx context.Context, j *journal.Journal, id uint64) error {
			return j.Interrupt(ctx, id, "asked to")
		}},
		{"checkpoint", func(ctx context.Context, j *journal.Journal, id uint64) error {
			return j.Checkpoint(ctx, id, []byte("x"))
		}},
		{"assign", func(ctx context.Context, j *journal.Journal, id uint64) error {
			return j.Assign(ctx, id, "w", time.Hour)
		}},
		{"abort", hand((*journal.Journal).Abort)},
		{"rerun", hand((*journal.Journal).Rerun)},
		{"release", hand((*journal.Journal).Release)},
	}
}

// into brings new work into a state, and returns its number.

func into(t *testing.T, j *journal.Journal, state journal.State) uint64 {
	t.Helper()
	w := journal.Work{Kind: string(state), Rerun: state == journal.Rerun}
	if state == journal.Queued {
		e, err := j.Enqueue(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		return e.ID
	}
	id := Begin(t, j, w).ID
	var err error
	switch state {
	case journal.Begun:
	case journal.Interrupted, journal.Rerun:
		err = j.Interrupt(t.Context(), id, "asked to")
	case journal.Aborted:
		_, err = j.Abort(t.Context(), id)
	default:
		err = j.Finish(t.Context(), id, journal.Outcome{State: state})
	}
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// The table says what may happen to work in each state, and its state afterwards. Anything
// else is refused and changes nothing.

func states(t *testing.T, k Kind) {
	table := map[journal.State]map[string]journal.State{
		journal.Queued: {"abort": journal.Aborted},
		journal.Begun: {
			"finish": journal.Finished, "fail": journal.Failed, "time out": journal.TimedOut, "abort": journal.Aborted,
			"interrupt": journal.Interrupted, "checkpoint": journal.Begun, "assign": journal.Begun,
		},
		journal.Finished:    {"rerun": journal.Finished}, // another entry is queued
		journal.Failed:      {"rerun": journal.Failed},
		journal.Aborted:     {"rerun": journal.Aborted},
		journal.TimedOut:    {"rerun": journal.TimedOut},
		journal.Interrupted: {"rerun": journal.Rerun, "abort": journal.Aborted},
		journal.Rerun:       {},
		journal.SetAside:    {"rerun": journal.Rerun, "release": journal.Rerun, "abort": journal.Aborted},
	}
	rt := k.ready(t)
	j := open(t, rt, journal.Options{})
	for state, allowed := range table {
		for _, a := range acts() {
			var id uint64
			if state == journal.SetAside {
				id = Begin(t, j, journal.Work{Kind: "poison", Rerun: true}).ID
				j = again(t, j, rt, journal.Options{MaxCrashes: 1})
				None(t, j)
				j = again(t, j, rt, journal.Options{})
			} else {
				id = into(t, j, state)
			}
			before := Show(t, j, id)
			if before.State != state {
				t.Fatalf("it is %s, and should be %s", before.State, state)
			}
			want, ok := allowed[a.name]
			err := a.do(t.Context(), j, id)
			after := Show(t, j, id)
			switch {
			case ok && (err != nil || after.State != want):
				t.Errorf("%s, %s: it is %s, want %s: %v", state, a.name, after.State, want, err)
			case !ok && !(errors.Is(err, journal.ErrEnded) || errors.Is(err, journal.ErrNot) || errors.Is(err, errors.ErrUnsupported)):
				t.Errorf("%s, %s: %v", state, a.name, err)
			case !ok && after.State != state:
				t.Errorf("%s, %s was refused, and it is %s", state, a.name, after.State)
			}
			for _, w := range List(t, j) { // leave no work for the next case
				if w.State == journal.Queued {
					if _, err := j.Abort(t.Context(), w.ID); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	for _, a := range acts() {
		if err := a.do(t.Context(), j, 1<<40); !errors.Is(err, journal.ErrNone) && !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s of what is not there: %v", a.name, err)
		}
	}
}

func aRerunByHandBeginsAnew(t *testing.T, k Kind) {
	j := open(t, k.ready(t), journal.Options{})
	a := Begin(t, j, journal.Work{Kind: "report", Params: []byte("42"), Trigger: journal.Scheduled})
	if err := j.Checkpoint(t.Context(), a.ID, []byte("half")); err != nil {
		t.Fatal(err)
	}
	if err := j.Finish(t.Context(), a.ID, journal.Outcome{State: journal.Failed, Reason: "no disk"}); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Rerun(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	got := Next(t, j)
	if got.RerunOf != a.ID || string(got.Params) != "42" || got.Key == a.Key || got.Checkpoint != nil || got.Trigger != journal.Manual || got.Attempt != 1 {
		t.Errorf("%+v", got)
	}
	if e := Show(t, j, a.ID); e.Reason != "no disk" {
		t.Errorf("%+v", e)
	}
}

func whatIsAbortedWhileUnderWayIsTold(t *testing.T, k Kind) {
	told := make(chan journal.Entry, 1)
	j := open(t, k.ready(t), journal.Options{OnAbort: func(e journal.Entry) { told <- e }})
	a := Begin(t, j, journal.Work{Kind: "long", Rerun: true})
	if _, err := j.Abort(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	if e := <-told; e.ID != a.ID {
		t.Errorf("%+v", e)
	}
	None(t, j)
}
