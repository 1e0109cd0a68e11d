//go:build unix

package runner_test

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/test/wait"
)

// afterAKill kills the primary, starts another one, and checks that w does not run again.
func (w interrupted) afterAKill(p *process, begun int) {
	w.t.Helper()
	state := w.get(w.id).State
	p.kill()
	w.primary()
	w.goesOn()
	if n := w.count("begin", w.key); n != begun {
		w.t.Errorf("it was begun %d times, want %d", n, begun)
	}
	if got := w.get(w.id); got.State != state {
		w.t.Errorf("it was %s, and is %s", state, got.State)
	}
}

func TestWhatIsAbortedByHandIsNotRunAgain(t *testing.T) {
	everyTrigger(t, "", func(t *testing.T, b *bed, begin func() interrupted) {
		p := b.primary()
		w := begin()
		if code, out := b.call("work", "abort", strconv.FormatUint(w.id, 10)); code != 0 {
			t.Fatalf("%d: %s", code, out)
		}
		w.awaitState(w.id, "aborted")
		p.says("the outcome of a run no longer counts") // its command was ended
		w.afterAKill(p, 1)
	})
}

func TestWhatIsAbortedAtAWorkerIsEndedThere(t *testing.T) {
	everyTrigger(t, "lease = '10s'", func(t *testing.T, b *bed, begin func() interrupted) {
		p := b.primary()
		worker := b.worker("one")
		p.says("a worker has joined")
		w := begin()
		if code, text := b.ask(http.MethodDelete, fmt.Sprintf("/v1/runs/%d", w.id), ""); code != http.StatusOK {
			t.Fatal(code, text)
		}
		worker.says("now belongs to another process", "no longer counts")
		pid, _, _ := strings.Cut(b.effects()[0].rest, " ")
		n, _ := strconv.Atoi(pid)
		wait.Until(t, "its command is ended", func() bool { return syscall.Kill(-n, 0) != nil })
		w.afterAKill(p, 1)
	})
}

func TestWhatTimedOutIsNotRunAgain(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.block()
	b.configure("rerun_if_interrupted = true\ntimeout = '10s'\nretries = 3", "")
	p := b.primary()
	w := interrupted{bed: b, id: b.post("work", params, "Idempotency-Key", "k"), key: "k"}
	if got := w.awaitState(w.id, "timed-out"); got.Reason != "it took longer than 10s" {
		t.Errorf("%+v", got)
	}
	w.afterAKill(p, 1)
}

func TestWhatFailedByItselfIsNotRunAgainBeyondItsRetries(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	fail := `echo "begin $JOBS_IDEMPOTENCY_KEY $JOBS_RUN_ID $JOBS_ATTEMPT" >>"$0/effects"; exit 3`
	b.jobs("", b.job("fail", fail, "rerun_if_interrupted = true\nretries = 2\nretry_delay = '10ms'"), b.job("work", script, ""))
	p := b.primary()
	w := interrupted{bed: b, id: b.post("fail", params, "Idempotency-Key", "k"), key: "k"}
	if got := w.awaitState(w.id, "failed"); got.Reason != "exit status 3" || got.Attempt != 3 {
		t.Errorf("%+v", got)
	}
	for i, e := range b.effects() {
		if e.attempt != strconv.Itoa(i+1) || e.run != strconv.FormatUint(w.id, 10) {
			t.Errorf("attempt %d: %+v", i+1, e)
		}
	}
	w.afterAKill(p, 3)
}

// A failure while the service is down counts, too: the run is retried as often as configured.
func TestRetriesGoOnAfterAKill(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.block()
	b.jobs("", b.job("work", script+"\nexit 3", "retries = 1\nretry_delay = '10ms'"))
	p := b.primary()
	w := b.begin("api")
	keeper := b.listed(w.id).Child
	p.kill()
	b.unblock()
	if err := keeper.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.primary()
	if got := b.awaitState(w.id, "failed"); got.Attempt != 2 || got.ID != w.id {
		t.Errorf("%+v", got)
	}
	if n := b.count("end", w.key); n != 2 {
		t.Errorf("it was tried %d times", n)
	}
}

func TestRetriesGoOnAtAWorker(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	// The first two attempts fail.
	b.jobs("lease = '10m'", b.job("work", script+"\n"+`test "$JOBS_ATTEMPT" = 3`, "retries = 2\nretry_delay = '10ms'"))
	p := b.primary()
	b.worker("one")
	p.says("a worker has joined")
	id := b.post("work", params, "Idempotency-Key", "k")
	if got := b.awaitState(id, "finished"); got.Attempt != 3 || got.Worker != "one" {
		t.Errorf("%+v", got)
	}
	_, out := b.ask(http.MethodGet, fmt.Sprintf("/v1/runs/%d/output", id), "")
	if b.count("end", "k") != 3 || out != "" {
		t.Errorf("%v, output %q", b.effects(), out)
	}
}

// A run without rerun_if_interrupted is listed, and run again only by hand.
func TestWhatIsNotOptedInIsListed(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.block()
	b.configure("", "")
	p := b.primary()
	w := b.begin("manual")
	p.stop()
	if got := b.listed(w.id); got.State != "interrupted" {
		t.Errorf("%+v", got)
	}
	b.primary()
	w.goesOn()
	w.checkBegun(1)
	if code, out := b.call("work", "rerun", strconv.FormatUint(w.id, 10)); code != 0 {
		t.Fatalf("%d: %s", code, out)
	}
	w.awaitCount("end", w.key, 1)
	w.check(2)
}

func (w interrupted) checkBegun(n int) {
	w.t.Helper()
	if got := w.count("begin", w.key); got != n {
		w.t.Errorf("it was begun %d times, want %d", got, n)
	}
}

// A job with which the service is killed again and again is set aside, and released by hand.
func TestAJobThatKillsTheServiceIsSetAside(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.block()
	b.configure("rerun_if_interrupted = true", "max_crashes = 3")
	p := b.primary()
	w := b.begin("api")
	for n := 2; ; n++ {
		p.kill()
		wait.Until(t, "nobody is left", func() bool {
			b.killChildren()
			for _, r := range b.list() {
				if r.Child != nil {
					if alive, err := r.Child.Alive(); alive || err != nil {
						return false
					}
				}
			}
			return true
		})
		p = b.primary()
		if n > 3 {
			break
		}
		b.awaitCount("begin", w.key, n)
	}
	aside := b.awaitState(w.id, "set-aside")
	w.goesOn()
	w.checkBegun(3)
	if code, out := b.call("work", "release", strconv.FormatUint(aside.ID, 10)); code != 0 {
		t.Fatalf("%d: %s", code, out)
	}
	w.awaitCount("end", w.key, 1)
	w.check(4)
}

func TestOverlap(t *testing.T) {
	for _, overlap := range []string{"allow", "skip", "queue"} {
		t.Run(overlap, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			b.block()
			b.configure(fmt.Sprintf("overlap = %q", overlap), "")
			b.primary()
			first := b.post("work", "", "Idempotency-Key", "1")
			b.awaitCount("begin", "1", 1)
			second := b.post("work", "", "Idempotency-Key", "2")
			switch overlap {
			case "allow":
				b.awaitCount("begin", "2", 1)
			case "skip":
				if got := b.get(second); got.State != "aborted" || got.Reason != fmt.Sprintf("skipped: run %d of the job was under way", first) {
					t.Errorf("%+v", got)
				}
			case "queue":
				time.Sleep(100 * time.Millisecond) // time to begin if it did not wait, which the checks below would show
				if got := b.get(second); got.State != "queued" {
					t.Errorf("%+v", got)
				}
			}
			b.unblock()
			b.awaitState(first, "finished")
			if overlap == "skip" {
				b.awaitState(b.post("work", "", "Idempotency-Key", "3"), "finished")
				if b.count("begin", "2") != 0 {
					t.Error("what was skipped was run")
				}
				return
			}
			b.awaitState(second, "finished")
			var order []string
			for _, e := range b.effects() {
				order = append(order, e.what+e.key)
			}
			if got := strings.Join(order, " "); overlap == "queue" && got != "begin1 end1 begin2 end2" {
				t.Error(got)
			}
		})
	}
}

// A queued run also waits for a run at a worker, and after a kill.
func TestTheQueueSurvivesAKillOfAll(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.block()
	b.configure("overlap = 'queue'\nrerun_if_interrupted = true", "lease = '10s'")
	p := b.primary()
	worker := b.worker("one")
	p.says("a worker has joined")
	var ids []uint64
	for i := range 3 {
		ids = append(ids, b.post("work", "", "Idempotency-Key", strconv.Itoa(i)))
	}
	b.awaitCount("begin", "0", 1)
	p.kill()
	worker.kill()
	p = b.primary()
	p.says("a lease expired")
	b.unblock()
	for _, id := range ids {
		b.awaitState(id, "finished")
	}
	all := b.effects()[1:] // the first one was interrupted
	for i := 0; i+1 < len(all); i += 2 {
		if all[i].what != "begin" || all[i+1].what != "end" || all[i].key != all[i+1].key {
			t.Fatalf("two at once: %v", all)
		}
	}
	if len(all) != 6 {
		t.Errorf("%v", all)
	}
}

func TestReloadTakesANewTimetableOrNone(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.configure("", "")
	p := b.primary()
	b.jobs("", b.job("other", script, ""))
	if code, out := b.call("reload"); code != 0 {
		t.Fatalf("%d: %s", code, out)
	}
	if code, _ := b.ask(http.MethodPost, "/v1/jobs/work/runs", ""); code != http.StatusNotFound {
		t.Errorf("a job that is gone: %d", code)
	}
	b.awaitState(b.post("other", ""), "finished")
	b.jobs("", b.job("other", script, "schedule = '61 * * * *'"))
	if code, out := b.call("reload"); code == 0 || !strings.Contains(out, "schedule") {
		t.Errorf("%d: %s", code, out)
	}
	p.signal(syscall.SIGHUP)
	p.says("schedule")
	b.awaitState(b.post("other", ""), "finished") // the old configuration is in force
}

func TestAJobThatIsGoneFailsAndSaysSo(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.block()
	b.configure("overlap = 'queue'", "")
	b.primary()
	b.post("work", "", "Idempotency-Key", "1")
	b.awaitCount("begin", "1", 1)
	waits := b.post("work", "", "Idempotency-Key", "2")
	b.jobs("", b.job("other", script, ""))
	if code, out := b.call("reload"); code != 0 {
		t.Fatalf("%d: %s", code, out)
	}
	if got := b.awaitState(waits, "failed"); !strings.Contains(got.Reason, "no longer has such a job") {
		t.Errorf("%+v", got)
	}
	b.unblock()
}

func TestAJournalThatCannotBeUsedIsToldAndKept(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.configure("", "")
	p := b.primary()
	b.awaitState(b.post("work", ""), "finished")
	p.stop()
	text, err := os.ReadFile(b.path("state/jobs.journal"))
	if err == nil {
		err = os.WriteFile(b.path("state/jobs.journal"), text[:5000], 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	p = b.primary()
	p.says("set aside")
	b.awaitState(b.post("work", ""), "finished")
}
