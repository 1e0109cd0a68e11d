package journal_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
	"github.com/holdfast-dev/holdfast/test/journaltest"
)

// The test binary plays a service if this variable names a role.
const (
	roleVariable = "JOURNAL_TEST_ROLE"
	dirVariable  = "JOURNAL_TEST_DIR"
	termVariable = "JOURNAL_TEST_TERM"
)

func TestMain(m *testing.M) {
	role := map[string]func(*journal.Journal) error{"load": load, "holder": holder, "once": once, "small": small, "lender": lender, "heir": heir}[os.Getenv(roleVariable)]
	if role == nil {
		os.Exit(m.Run())
	}
	term, err := strconv.ParseUint(os.Getenv(termVariable), 10, 64)
	o, openAs := journal.Options{MaxCrashes: 1 << 20, Keep: 1 << 20}, journal.Open
	if os.Getenv(roleVariable) == "once" {
		o.Keep = 1                // so that there is something to compact
		openAs = journal.OpenIdle // compacts on demand, not after some seconds
	}
	var j *journal.Journal
	if err == nil {
		j, err = openAs(ready(os.Getenv(dirVariable), term), o)
	}
	if err == nil {
		err = j.Refused()
	}
	if err == nil {
		err = role(j)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// outside returns the record of effects.
func outside() (*journaltest.Effects, error) {
	return journaltest.OpenEffects(effectsIn(os.Getenv(dirVariable)))
}

func effectsIn(dir string) string { return filepath.Join(dir, "effects") }

func load(j *journal.Journal) error {
	o, err := outside()
	if err != nil {
		return err
	}
	return journaltest.Load(j, o)
}

// holder begins work, reports that, waits for a signal to continue, and then reports what it
// could write.
func holder(j *journal.Journal) error {
	ctx := context.Background()
	e, err := j.Begin(ctx, journal.Work{Kind: "held", Rerun: true})
	if err != nil {
		return err
	}
	fmt.Println("begun")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	_, began := j.Begin(ctx, journal.Work{Kind: "too late"})
	for _, err := range []error{j.Finish(ctx, e.ID, journal.Outcome{}), j.Checkpoint(ctx, e.ID+1, []byte("late")), began} {
		if !errors.Is(err, journal.ErrSuperseded) {
			return fmt.Errorf("it was not refused: %w", err)
		}
	}
	fmt.Println("refused")
	return nil
}

// lender begins work of a worker, reports that, and renews its lease on demand.
func lender(j *journal.Journal) error {
	e, err := j.Begin(context.Background(), journal.Work{Kind: "far", Rerun: true, Worker: "w", Lease: lease})
	if err != nil {
		return err
	}
	fmt.Println("begun")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	time.Sleep(1500 * time.Millisecond) // enough for several checks of leases
	if err := j.Renew(e.ID, "w"); err != nil {
		return err
	}
	fmt.Println("renewed")
	return nil
}

// lease is the lease of lender's work. On a busy machine, all that happens beside a pause can take many seconds of it.
const lease = 24 * time.Second

// heir finds lender's work, leaves it to its worker, and finishes it in the worker's name.
func heir(j *journal.Journal) error {
	ctx := context.Background()
	mark, err := j.Enqueue(ctx, journal.Work{Kind: "mark"})
	if err != nil {
		return err
	}
	if got, err := j.Next(ctx); err != nil || got.ID != mark.ID {
		return fmt.Errorf("handed out: %+v, %w", got, err)
	}
	all, _, err := j.List(0)
	if err != nil {
		return err
	}
	for _, e := range all {
		if e.Kind != "far" || e.State != journal.Begun {
			continue
		}
		if err := errors.Join(j.Renew(e.ID, "w"), j.Finish(ctx, e.ID, journal.Outcome{})); err != nil {
			return err
		}
		fmt.Println("finished")
	}
	return nil
}

// once makes every kind of write once.
func once(j *journal.Journal) error {
	o, err := outside()
	if err != nil {
		return err
	}
	ctx := context.Background()
	for i := range 4 {
		key := fmt.Sprintf("%d.%d", j.Term(), i)
		e, err := j.Begin(ctx, journal.Work{Kind: "x", Key: key, Rerun: true, Params: make([]byte, 300_000)})
		if err != nil {
			return err
		}
		o.Say("begun", key, e.ID)
		if err := j.Checkpoint(ctx, e.ID, []byte(key)); err != nil {
			return err
		}
		if i == 3 {
			break
		}
		if err := j.Finish(ctx, e.ID, journal.Outcome{}); err != nil {
			return err
		}
		o.Say("ended", key, e.ID)
	}
	if err := journal.TidyNow(j); err != nil {
		return err
	}
	return j.Close()
}
