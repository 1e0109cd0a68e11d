package journal_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

// effects records what the outside has seen of work: how often it was done, by key.
type effects struct {
	accepted map[string]bool // durable according to Begin or Enqueue
	ended    map[string]bool // ended according to Finish
	started  map[string]int  // number of times that Next returned it
}

// life does some work on j until a write fails, and records the results.
func (w *effects) life(ctx context.Context, j *journal.Journal, n int) {
	for i := range 3 {
		k := fmt.Sprintf("%d/%d", n, i)
		e, err := j.Begin(ctx, journal.Work{Kind: "x", Key: k, Rerun: true})
		if err != nil {
			return
		}
		w.accepted[k] = true
		w.started[k]++
		if i == 1 {
			continue // left in progress
		}
		if j.Checkpoint(ctx, e.ID, []byte(k)) != nil {
			return
		}
		if i == 2 {
			if j.Interrupt(ctx, e.ID, "in order") != nil {
				return
			}
			continue
		}
		if j.Finish(ctx, e.ID, journal.Outcome{}) != nil {
			return
		}
		w.ended[k] = true
	}
}

// recover takes and finishes interrupted work until there is no more.
func (w *effects) recover(t *testing.T, j *journal.Journal) error {
	t.Helper()
	mark, err := j.Enqueue(t.Context(), journal.Work{Kind: "mark"}) // after all other work
	if err != nil {
		return err
	}
	for {
		got, err := j.Next(t.Context())
		if err != nil {
			return err
		}
		k := got.Key
		if got.Kind != "mark" {
			if w.ended[k] {
				t.Errorf("%s was finished, and is run again", k)
			}
			if c := string(got.Checkpoint); c != "" && c != k {
				t.Errorf("%s has the checkpoint of %s", k, c)
			}
			w.started[k]++
		}
		if err := j.Finish(t.Context(), got.ID, journal.Outcome{}); err != nil {
			return err
		}
		if got.ID == mark.ID {
			return nil
		}
		w.ended[k] = true
	}
}

// A crash at every write of a store, during begin, checkpoint, interruption, end and recovery,
// just before and just after the transaction becomes durable. No accepted work is lost, and no
// ended work runs again. Only a part of the cases is played: see slice.
func TestACrashAtEveryWriteLosesNothing(t *testing.T) {
	first, each := slice(t, 4)
	for _, after := range []bool{false, true} {
		for n := first; ; n += each {
			m := newMemory()
			w := &effects{map[string]bool{}, map[string]bool{}, map[string]int{}}
			rt := ready(t.TempDir(), 1)
			m.left, m.after = n, after
			for life := 0; ; life++ {
				j, err := journal.Open(rt, journal.Options{Store: m, MaxCrashes: 100})
				if err != nil {
					t.Fatal(err)
				}
				if life == 0 {
					w.life(t.Context(), j, n)
				} else {
					err = w.recover(t, j)
				}
				_ = j.Close()
				m.mu.Lock()
				down := m.down
				m.down = false
				m.mu.Unlock()
				rt.Number++
				if life > 0 && err == nil && !down {
					break
				}
				if life > 3 {
					t.Fatalf("write %d: it does not recover: %v", n, err)
				}
			}
			// An end may be durable although Finish has not returned.
			m.mu.Lock()
			unused := m.left >= 0 // there are not as many writes
			m.left = -1
			m.mu.Unlock()
			rt.Number++
			last := open(t, rt, journal.Options{Store: m})
			for _, e := range list(t, last) {
				if e.State == journal.Finished {
					w.ended[e.Key] = true
				} else if e.State != journal.Rerun && e.Kind != "mark" {
					t.Errorf("crash at write %d (after: %v): %s is %s in the end", n, after, e.Key, e.State)
				}
			}
			_ = last.Close() // hundreds of open journals would keep the machine busy
			for k := range w.accepted {
				if !w.ended[k] {
					t.Errorf("crash at write %d (after: %v): %s was accepted and is lost", n, after, k)
				}
			}
			if unused {
				if n < 40 {
					t.Errorf("only %d writes", n)
				}
				break
			}
		}
	}
}

func TestAnEarlierTermIsRefused(t *testing.T) {
	m := newMemory()
	open(t, ready(t.TempDir(), 7), journal.Options{Store: m})
	j, err := journal.Open(ready(t.TempDir(), 6), journal.Options{Store: m})
	if err != nil || !isSuperseded(j.Refused()) {
		t.Errorf("%v, %v", j.Refused(), err)
	}
}
