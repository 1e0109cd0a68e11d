//go:build unix

package runner_test

import (
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/test/wait"
)

// The branches of incident 4 (interrupted work is found, and finished once), with processes
// that are really killed: each for runs of the timetable and for runs by hand.

// An interrupted is a run that is in progress and waits for a signal to end.
type interrupted struct {
	*bed
	id  uint64
	key string
}

const params = `{"n":42}`

// everyTrigger runs a branch with each way to begin work. ofTable has more keys of [jobs].
func everyTrigger(t *testing.T, ofTable string, branch func(t *testing.T, b *bed, begin func() interrupted)) {
	for _, trigger := range []string{"scheduled", "manual", "api"} {
		t.Run(trigger, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			b.block()
			b.configure("rerun_if_interrupted = true", ofTable)
			branch(t, b, func() interrupted {
				if trigger == "scheduled" { // the timetable starts now
					b.configure("rerun_if_interrupted = true\noverlap = 'skip'\nschedule = '* * * * * *'", ofTable)
					if code, out := b.call("reload"); code != 0 {
						t.Fatalf("reload: %d %s", code, out)
					}
				}
				return b.begin(trigger)
			})
		})
	}
}

func (b *bed) begin(trigger string) interrupted {
	b.t.Helper()
	w := interrupted{bed: b}
	switch trigger {
	case "manual":
		code, out := b.call("trigger", "work", "--params", params)
		var err error
		if w.id, err = strconv.ParseUint(strings.TrimSpace(out), 10, 64); err != nil || code != 0 {
			b.t.Fatalf("trigger: %d %s", code, out)
		}
	case "api":
		w.id = b.post("work", params)
	}
	wait.Until(b.t, "it is under way", func() bool { return len(b.effects()) > 0 })
	first := b.effects()[0]
	w.key = first.key
	if id, _ := strconv.ParseUint(first.run, 10, 64); w.id == 0 {
		w.id = id
	}
	if got := b.get(w.id); got.Trigger != trigger || got.State != "begun" || got.Key != w.key {
		b.t.Fatalf("%+v", got)
	}
	return w
}

// rerunOnce waits for the end of w's rerun. It checks that there were two attempts, one of
// them complete, with the same parameters.
func (w interrupted) rerunOnce() {
	w.t.Helper()
	w.awaitCount("begin", w.key, 2)
	w.unblock()
	w.awaitCount("end", w.key, 1)
	last := w.awaitState(w.id, "finished")
	w.check(2)
	if first := w.get(w.id); first.State != "rerun" || first.RerunAs != last.ID || last.RerunOf != w.id || last.Attempt != 2 || last.Trigger != first.Trigger {
		w.t.Errorf("first %+v, last %+v", first, last)
	}
}

// check requires that many attempts, one of which was completed.
func (w interrupted) check(begun int) {
	w.t.Helper()
	if b, e := w.count("begin", w.key), w.count("end", w.key); b != begun || e != 1 {
		w.t.Errorf("it was begun %d times, want %d, and came to its end %d times: %v", b, begun, e, w.effects())
	}
	var first effect
	for _, e := range w.effects() {
		switch {
		case e.what != "begin" || e.key != w.key:
			continue
		case first.key == "":
			first = e
		}
		_, was, _ := strings.Cut(first.rest, " ")
		if _, is, _ := strings.Cut(e.rest, " "); is != was {
			w.t.Errorf("parameters %q, and then %q", was, is)
		}
	}
}

// goesOn lets the job run freely, and checks that w does not run again.
func (w interrupted) goesOn() {
	w.t.Helper()
	w.unblock()
	_, name, _ := strings.Cut(w.t.Name(), "/")
	key := "mark"
	var mark uint64
	wait.Until(w.t, "a run by hand is not skipped because of one of the timetable", func() bool {
		mark = w.post("work", "", "Idempotency-Key", key)
		got := w.get(mark)
		key = "mark " + name + strconv.FormatUint(got.ID, 10)
		return got.State != "aborted"
	})
	w.awaitState(mark, "finished")
}

func TestIncident4A_AGracefulStopInterruptsAndTheNextStartRunsAgain(t *testing.T) {
	everyTrigger(t, "", func(t *testing.T, b *bed, begin func() interrupted) {
		p := b.primary()
		w := begin()
		p.stop()
		p.says("run was interrupted")
		if got := b.listed(w.id); got.State != "rerun" || got.Reason != "the service was stopped" || got.Crashes != 0 {
			t.Errorf("after the stop: %+v", got)
		}
		p = b.primary()
		w.rerunOnce()
		p.says(`why="the service was stopped"`)
	})
}

func TestIncident4B_ASilentWorkerLosesItsLease(t *testing.T) {
	everyTrigger(t, "lease = '10s'", func(t *testing.T, b *bed, begin func() interrupted) {
		p := b.primary()
		worker := b.worker("one")
		p.says("a worker has joined")
		w := begin()
		if got := b.get(w.id); got.Worker != "one" {
			t.Fatalf("%+v", got)
		}
		wait.Pause(t, worker.cmd.Process.Pid) // the worker exists, but is silent
		p.says("a lease expired")
		w.awaitCount("begin", w.key, 2)
		worker.signal(syscall.SIGCONT)
		worker.says("now belongs to another process", "no longer counts") // in the answer to its renewal or to its report, whichever comes first
		w.rerunOnce()
		p.says(`why="its lease expired: worker \"one\" was silent for 10s"`)
	})
}

func TestIncident4B_AWorkerThatReportsBackInTimeKeepsItsRun(t *testing.T) {
	everyTrigger(t, "lease = '10m'", func(t *testing.T, b *bed, begin func() interrupted) {
		p := b.primary()
		worker := b.worker("one")
		p.says("a worker has joined")
		w := begin()
		wait.Pause(t, worker.cmd.Process.Pid)
		w.unblock()
		w.awaitCount("end", w.key, 1) // its command continues without it
		worker.signal(syscall.SIGCONT)
		w.awaitState(w.id, "finished")
		w.check(1)
	})
}

func TestIncident4C_WhatAKilledPrimaryLeftIsRunAgain(t *testing.T) {
	everyTrigger(t, "", func(t *testing.T, b *bed, begin func() interrupted) {
		p := b.primary()
		w := begin()
		keeper := b.listed(w.id).Child
		p.kill()
		if err := keeper.Signal(syscall.SIGKILL); err != nil { // a power cut leaves nobody
			t.Fatal(err)
		}
		if err := keeper.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := b.listed(w.id); got.State != "interrupted" {
			t.Errorf("while it is down: %+v", got)
		}
		p = b.primary()
		w.rerunOnce()
		p.says(`why="its run was cut off"`)
	})
}

// Only the command is killed, which is not a failure of its own.
func TestIncident4C_AKilledCommandIsRunAgain(t *testing.T) {
	everyTrigger(t, "", func(t *testing.T, b *bed, begin func() interrupted) {
		p := b.primary()
		w := begin()
		pid, _, _ := strings.Cut(b.effects()[0].rest, " ")
		n, err := strconv.Atoi(pid)
		if err == nil {
			err = syscall.Kill(n, syscall.SIGKILL)
		}
		if err != nil {
			t.Fatal(err)
		}
		w.rerunOnce()
		p.says("killed from outside: signal: killed")
	})
}

// Only the keeper is killed. Its command does not continue beside the rerun.
func TestIncident4C_AKilledKeeperTakesItsCommandWithIt(t *testing.T) {
	everyTrigger(t, "", func(t *testing.T, b *bed, begin func() interrupted) {
		p := b.primary()
		w := begin()
		if err := b.listed(w.id).Child.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		w.rerunOnce()
		p.says(`why="its keeper was killed"`)
	})
}

func TestIncident4D_AWorkerFindsWhatItHadLeft(t *testing.T) {
	everyTrigger(t, "lease = '10m'", func(t *testing.T, b *bed, begin func() interrupted) {
		p := b.primary()
		worker := b.worker("one")
		p.says("a worker has joined")
		w := begin()
		worker.kill()
		worker = b.worker("one")
		worker.says("a run was left")
		p.says("a worker found a run that was left over")
		w.rerunOnce()
		p.says(`why="its worker was interrupted, and found it again"`)
	})
}

func TestIncident4BThenD_BothSeeTheInterruptionAndItRunsOnce(t *testing.T) {
	everyTrigger(t, "lease = '10s'", func(t *testing.T, b *bed, begin func() interrupted) {
		p := b.primary()
		worker := b.worker("one")
		p.says("a worker has joined")
		w := begin()
		worker.kill()
		p.says("a lease expired")
		w.awaitCount("begin", w.key, 2)
		worker = b.worker("one")
		worker.says("a run was left")
		worker.says("no longer counts")
		w.rerunOnce()
		w.goesOn()
		w.check(2)
	})
}

func TestIncident4E_AChildThatOutlivesThePrimaryIsAdopted(t *testing.T) {
	everyTrigger(t, "", func(t *testing.T, b *bed, begin func() interrupted) {
		p := b.primary()
		w := begin()
		for range 2 { // twice
			p.kill()
			if got := b.listed(w.id); got.State != "begun" {
				t.Errorf("while it is down: %+v", got)
			}
			p = b.primary()
			p.says("a run continues that has outlived the last run of the service")
		}
		w.unblock()
		w.awaitState(w.id, "finished")
		w.goesOn()
		w.check(1)
	})
}

func TestIncident4E_WhatEndedWhileThePrimaryWasDownIsCollected(t *testing.T) {
	everyTrigger(t, "", func(t *testing.T, b *bed, begin func() interrupted) {
		p := b.primary()
		w := begin()
		keeper := b.listed(w.id).Child
		p.kill()
		w.unblock()
		w.awaitCount("end", w.key, 1)
		if err := keeper.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		p = b.primary()
		p.says("its outcome is collected")
		w.awaitState(w.id, "finished")
		w.goesOn()
		w.check(1)
	})
}
