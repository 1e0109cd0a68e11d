//go:build linux || darwin || windows

package service_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

// What a journal needs of a service.
var _ journal.Runtime = (*service.Runtime)(nil)

// live runs one life of b with that Start.
func live(t *testing.T, b *bench, start func(*service.Runtime) error) {
	t.Helper()
	b.run(t.Context(), &program{start: func(_ context.Context, rt *service.Runtime) error { return start(rt) }})
	b.await(platform.PhaseReady)
	b.stop()
	if err := b.end(); err != nil {
		t.Fatal(err)
	}
}

func TestEachRunHasATermThatIsOnTheDisk(t *testing.T) {
	b := newBench(t)
	for want := uint64(1); want <= 3; want++ {
		live(t, b, func(rt *service.Runtime) error {
			if term := rt.Term(); term.Token() != want || term.Lost() != nil || !term.Deadline().IsZero() || term.Resign(t.Context()) != nil {
				t.Errorf("term %d, lost %v, deadline %v; want %d", term.Token(), term.Lost(), term.Deadline(), want)
			}
			if kept, err := os.ReadFile(rt.StatePath(".term")); err != nil || string(kept) != strconv.FormatUint(want, 10)+"\n" {
				t.Errorf("kept is %q, %v", kept, err)
			}
			if want > 1 && rt.Recovery().Term != want-1 {
				t.Errorf("the last run had term %d", rt.Recovery().Term)
			}
			if want == 2 { // the file is lost
				return os.Remove(filepath.Join(b.cfg.StateDir, "feedd.term"))
			}
			return nil
		})
	}
}

func TestAJournalWorksInAService(t *testing.T) {
	b := newBench(t)
	live(t, b, func(rt *service.Runtime) error {
		j, err := journal.Open(rt, journal.Options{})
		if err == nil {
			_, err = j.Begin(t.Context(), journal.Work{Kind: "report", Rerun: true, Params: []byte("42")})
		}
		return err
	})
	got := make(chan journal.Taken, 1)
	var early bool
	live(t, b, func(rt *service.Runtime) error {
		j, err := journal.Open(rt, journal.Options{})
		if err != nil {
			return err
		}
		rt.Go("work", func(context.Context) error {
			w, err := j.Next(t.Context())
			select {
			case <-rt.WhenReady():
			default:
				early = true
			}
			got <- w
			return err
		})
		rt.Ready()
		w := <-got
		got <- w
		return nil
	})
	if w := <-got; string(w.Params) != "42" || w.RerunOf != 1 || w.Term != 2 || early {
		t.Errorf("%+v, early %v", w, early)
	}
}

// By the parent, `status` knows that there is no supervisor.
func TestTheRecordNamesTheParent(t *testing.T) {
	b := newBench(t)
	live(t, b, func(*service.Runtime) error { return nil })
	last, err := recovery.Read(filepath.Join(b.cfg.StateDir, "feedd.lastrun.json"))
	if err != nil || last.Parent != os.Getppid() || last.Ended.IsZero() {
		t.Errorf("%+v, %v", last, err)
	}
}
