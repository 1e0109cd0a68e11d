package journaltest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

// Effects records effects: a file to which whole lines are appended.
type Effects struct {
	mu sync.Mutex
	f  *os.File
}

// OpenEffects opens the record at path, and makes it if there is none.
func OpenEffects(path string) (*Effects, error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	return &Effects{f: f}, err
}

// Say records an effect.
func (o *Effects) Say(what, key string, id uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, _ = fmt.Fprintf(o.f, "%s %s %d\n", what, key, id) // its disk has space
}

// Load begins, saves and finishes work, and repeats what Next returns, until it is killed.
func Load(j *journal.Journal, o *Effects) error {
	ctx, failed := context.Background(), make(chan error)
	run := func(e journal.Entry) error {
		o.Say("run", e.Key, e.ID)
		if err := j.Checkpoint(ctx, e.ID, []byte(e.Key)); err != nil {
			return err
		}
		if err := j.Finish(ctx, e.ID, journal.Outcome{}); err != nil {
			return err
		}
		o.Say("ended", e.Key, e.ID)
		return nil
	}
	for w := range 4 {
		go func() {
			for i := 0; ; i++ {
				e, err := j.Begin(ctx, journal.Work{Kind: "x", Key: fmt.Sprintf("%d.%d.%d", j.Term(), w, i), Rerun: true})
				if err == nil {
					o.Say("begun", e.Key, e.ID)
					err = run(e)
				}
				if err != nil {
					failed <- err
				}
			}
		}()
	}
	for {
		select {
		case err := <-failed:
			return err
		default:
		}
		got, err := j.Next(ctx)
		if err != nil {
			return err
		}
		if string(got.Checkpoint) != "" && string(got.Checkpoint) != got.Key {
			return fmt.Errorf("%s has the checkpoint %q", got.Key, got.Checkpoint)
		}
		o.Say("again", got.Key, got.RerunOf)
		if err := run(got.Entry); err != nil {
			return err
		}
	}
}

// Check finishes what the processes left that were killed in [Load], and reports what was lost
// or done twice, by the effects that they recorded.
func Check(t *testing.T, j *journal.Journal, effects string) {
	t.Helper()
	begun, ended, again := map[string]bool{}, map[string]bool{}, map[string]bool{}
	f, err := os.Open(effects)
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var what, key, id string
		if n, err := fmt.Sscan(lines.Text(), &what, &key, &id); n != 3 {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		switch what {
		case "begun":
			begun[key] = true
		case "ended":
			ended[key] = true
		case "run":
			if ended[key] {
				t.Errorf("%s had ended, and is run again", key)
			}
		case "again":
			if again[id] {
				t.Errorf("%s is run twice for one interruption", id)
			}
			again[id] = true
		}
	}
	mark, err := j.Enqueue(t.Context(), journal.Work{Kind: "mark"})
	if err != nil {
		t.Fatal(err)
	}
	for {
		got := Next(t, j)
		if got.ID == mark.ID {
			break
		}
		if ended[got.Key] {
			t.Errorf("%s had ended, and is run again at last", got.Key)
		}
		if err := j.Finish(t.Context(), got.ID, journal.Outcome{}); err != nil {
			t.Fatal(err)
		}
	}
	finished := map[string]bool{}
	for _, e := range List(t, j) {
		if e.State == journal.Finished {
			finished[e.Key] = true
		}
	}
	for key := range begun {
		if !finished[key] && !ended[key] {
			t.Errorf("%s was begun, and is lost", key)
		}
	}
	t.Logf("%d begun, %d run again", len(begun), len(again))
}
