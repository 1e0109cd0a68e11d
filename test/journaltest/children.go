//go:build linux || darwin

package journaltest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

func children() []test {
	return []test{
		{"AChildThatOutlivesTheServiceIsAdopted", aChildThatOutlivesTheServiceIsAdopted},
		{"AnOutcomeOfTheTimeWithoutTheServiceIsCollected", anOutcomeOfTheTimeWithoutTheServiceIsCollected},
		{"AnotherProcessWithTheChildsNumberIsNotTheChild", anotherProcessWithTheChildsNumberIsNotTheChild},
		{"AChildOfAnotherBootIsNotAlive", aChildOfAnotherBootIsNotAlive},
		{"AnAdoptedChildWhoseOutcomeIsLostIsRunAgain", anAdoptedChildWhoseOutcomeIsLostIsRunAgain},
		{"ACollectedOutcomeMayBeATryOrAnInterruption", aCollectedOutcomeMayBeATryOrAnInterruption},
	}
}

// child starts a process that lives until end is called.

func child(t *testing.T) (id proc.Identity, end func()) {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), "sleep", "3600")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	end = func() {
		if !ended {
			ended = true
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	t.Cleanup(end)
	id, err := proc.Of(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	return id, end
}

func beginWith(t *testing.T, j *journal.Journal, id proc.Identity) journal.Entry {
	t.Helper()
	e := Begin(t, j, journal.Work{Kind: "report", Trigger: journal.Manual, Params: []byte("42"), Rerun: true})
	if err := j.Child(t.Context(), e.ID, id); err != nil {
		t.Fatal(err)
	}
	return e
}

// Branch e of incident 4: the child is still alive.

func aChildThatOutlivesTheServiceIsAdopted(t *testing.T, k Kind) {
	rt := k.ready(t)
	j := open(t, rt, journal.Options{})
	id, end := child(t)
	e := beginWith(t, j, id)
	for range 2 { // twice
		j = again(t, j, rt, journal.Options{})
		if all := List(t, j); all[0].State != journal.Begun {
			t.Errorf("listed as %s", all[0].State)
		}
		got := Next(t, j)
		if !got.Adopted || got.ID != e.ID || got.Attempt != 1 || got.Crashes != 0 || !got.Child.Same(id) || got.Term != rt.token() {
			t.Fatalf("%+v", got)
		}
		None(t, j)
	}
	end()
	if err := id.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := j.Finish(t.Context(), e.ID, journal.Outcome{}); err != nil {
		t.Error(err)
	}
	j = again(t, j, rt, journal.Options{})
	None(t, j)
}

// Branch e of incident 4: the child ended while the service was down.

func anOutcomeOfTheTimeWithoutTheServiceIsCollected(t *testing.T, k Kind) {
	rt := k.ready(t)
	j := open(t, rt, journal.Options{})
	id, end := child(t)
	good, bad, lost := beginWith(t, j, id), beginWith(t, j, id), beginWith(t, j, id)
	end()
	o := journal.Options{Collect: func(e journal.Entry) (journal.Outcome, bool) {
		switch e.ID {
		case good.ID:
			return journal.Outcome{}, true
		case bad.ID:
			return journal.Outcome{State: journal.Failed, Reason: "exit 3"}, true
		}
		return journal.Outcome{}, false
	}}
	j = again(t, j, rt, o)
	if got := Next(t, j); got.RerunOf != lost.ID || got.Adopted || got.Child != nil || string(got.Params) != "42" {
		t.Errorf("%+v", got)
	}
	None(t, j)
	if e := Show(t, j, good.ID); e.State != journal.Finished {
		t.Errorf("%+v", e)
	}
	if e := Show(t, j, bad.ID); e.State != journal.Failed || e.Reason != "exit 3" {
		t.Errorf("%+v", e)
	}
}

func anotherProcessWithTheChildsNumberIsNotTheChild(t *testing.T, k Kind) {
	rt := k.ready(t)
	j := open(t, rt, journal.Options{})
	id, err := proc.Of(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	id.Start++
	e := beginWith(t, j, id)
	j = again(t, j, rt, journal.Options{})
	if got := Next(t, j); got.Adopted || got.RerunOf != e.ID {
		t.Errorf("%+v", got)
	}
}

// A power cut ends the child, even if another process has its number now.

func aChildOfAnotherBootIsNotAlive(t *testing.T, k Kind) {
	rt := k.ready(t)
	j := open(t, rt, journal.Options{})
	id, _ := child(t)
	id.Boot = "another"
	lost, collected := beginWith(t, j, id), beginWith(t, j, id)
	j = again(t, j, rt, journal.Options{Collect: func(e journal.Entry) (journal.Outcome, bool) { return journal.Outcome{}, e.ID == collected.ID }})
	if got := Next(t, j); got.Adopted || got.RerunOf != lost.ID || got.Crashes != 1 {
		t.Errorf("%+v", got)
	}
	None(t, j)
	if e := Show(t, j, collected.ID); e.State != journal.Finished {
		t.Errorf("%+v", e)
	}
}

func anAdoptedChildWhoseOutcomeIsLostIsRunAgain(t *testing.T, k Kind) {
	rt := k.ready(t)
	j := open(t, rt, journal.Options{})
	id, end := child(t)
	e := beginWith(t, j, id)
	j = again(t, j, rt, journal.Options{})
	if got := Next(t, j); !got.Adopted {
		t.Fatalf("%+v", got)
	}
	end()
	if err := j.Interrupt(t.Context(), e.ID, "its outcome is not known"); err != nil {
		t.Fatal(err)
	}
	if got := Next(t, j); got.RerunOf != e.ID || got.Adopted {
		t.Errorf("%+v", got)
	}
	if err := j.Interrupt(t.Context(), e.ID, "twice"); !errors.Is(err, journal.ErrEnded) {
		t.Error(err)
	}
}

// A collected outcome may also say that the work is to be tried again, or that the child was
// killed.

func aCollectedOutcomeMayBeATryOrAnInterruption(t *testing.T, k Kind) {
	rt := k.ready(t)
	j := open(t, rt, journal.Options{})
	id, end := child(t)
	failed, killed := beginWith(t, j, id), beginWith(t, j, id)
	end()
	j = again(t, j, rt, journal.Options{Collect: func(e journal.Entry) (journal.Outcome, bool) {
		if e.ID == failed.ID {
			return journal.Outcome{State: journal.Begun, Reason: "exit code 3"}, true
		}
		return journal.Outcome{State: journal.Interrupted, Reason: "killed"}, true
	}})
	if got := Next(t, j); got.ID != failed.ID || got.Adopted || got.Child != nil || got.Attempt != 2 || got.Failures != 1 || got.Crashes != 0 {
		t.Errorf("%+v", got)
	}
	if got := Next(t, j); got.RerunOf != killed.ID || got.Crashes != 1 {
		t.Errorf("%+v", got)
	}
	if e := Show(t, j, killed.ID); e.Reason != "killed" || e.State != journal.Rerun {
		t.Errorf("%+v", e)
	}
	None(t, j)
}
