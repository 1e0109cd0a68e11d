package journaltest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

func reruns() []test {
	return []test{
		{"HoweverManySeeAnInterruptionItIsRunAgainOnce", howeverManySeeAnInterruptionItIsRunAgainOnce},
	}
}

// Many see an interruption at the same time: two takers after a crash, the operator, an
// expiring lease, the worker that finds its leftover, and one that still reports. The work
// runs again once, or it has ended.

func howeverManySeeAnInterruptionItIsRunAgainOnce(t *testing.T, k Kind) {
	for round := range k.Rounds {
		for name, lease := range map[string]time.Duration{"crash": 0, "lease": time.Millisecond} {
			for _, reports := range []bool{false, true} {
				rt := k.ready(t)
				j := open(t, rt, journal.Options{})
				e := Begin(t, j, journal.Work{Kind: "x", Rerun: true, Worker: "w", Lease: lease})
				j = again(t, j, rt, journal.Options{})
				ctx, cancel := context.WithCancel(t.Context())
				var takers, others sync.WaitGroup
				taken := make(chan journal.Taken, 100)
				for range 2 {
					takers.Go(func() {
						for {
							got, err := j.Next(ctx)
							if err != nil {
								return
							}
							taken <- got
						}
					})
				}
				ended := false
				others.Go(func() { _, _ = j.Rerun(ctx, e.ID) })
				others.Go(func() { _ = j.Interrupt(ctx, e.ID, "the worker was restarted") })
				if reports {
					others.Go(func() { ended = j.Finish(ctx, e.ID, journal.Outcome{}) == nil })
				}
				if k.Expire != nil {
					others.Go(func() { k.Expire(j) })
				}
				others.Go(func() { // as a worker does
					_ = j.Renew(e.ID, "w")
				})
				others.Wait()
				mark, err := j.Enqueue(ctx, journal.Work{Kind: "mark"})
				if err != nil {
					t.Fatal(err)
				}
				reruns := 0
				for got := range taken {
					if got.ID == mark.ID {
						break
					}
					if got.RerunOf != e.ID {
						t.Errorf("%+v", got)
					}
					reruns += counts(got)
				}
				cancel()
				takers.Wait()
				if close(taken); len(taken) > 0 {
					for got := range taken {
						if got.ID != mark.ID {
							reruns += counts(got)
						}
					}
				}
				is := Show(t, j, e.ID)
				if want := map[bool]int{true: 0, false: 1}[ended]; reruns != want || (is.State == journal.Finished) != ended || !ended && is.State != journal.Rerun {
					t.Errorf("round %d, %s: %d reruns, it has ended: %v; %+v", round, name, reruns, ended, is)
				}
				n := 0
				for _, x := range List(t, j) {
					if x.RerunOf == e.ID && x.Attempt > 1 {
						n++
					}
				}
				if n > 1 {
					t.Errorf("%d entries are reruns of it: %s", n, fmt.Sprint(List(t, j)))
				}
				_ = j.Close()
			}
		}
	}
}

// counts returns 0 for work that the operator began anew because it had already ended.

func counts(got journal.Taken) int {
	if got.Attempt == 1 && got.Trigger == journal.Manual {
		return 0
	}
	return 1
}
