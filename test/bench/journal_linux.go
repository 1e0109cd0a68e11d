package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
	"github.com/holdfast-dev/holdfast/singleton"
)

// A keeper begins and finishes a piece of work durably.
type keeper struct {
	name string
	open func(dir string) (work func(n uint64) error, release func() error, err error)
}

func keepers() []keeper {
	return []keeper{{"bare bbolt", keepBare}, {"holdfast/journal", keepJournal}}
}

func measureJournal(ctx context.Context, h *harness) ([]*table, error) {
	p := h.disk()
	alone := &table{title: "journal: begin and finish by one writer (" + p.name + ")", unit: "µs"}
	many := &table{title: "journal: begin and finish by 64 writers, each (" + p.name + ")", unit: "µs"}
	for range h.rounds {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		syncs, err := measureSyncs(p.dir)
		if err != nil {
			return nil, err
		}
		// Two commits, shared by 64 writers. Each waits for its pages and then for its root.
		many.add("the disk's own limit", 4*syncs/64)
		for _, k := range keepers() {
			for _, c := range []struct {
				t       *table
				writers int
			}{{alone, 1}, {many, 64}} {
				took, err := keep(k, p.dir, c.writers, max(h.work/c.writers, h.least))
				if err != nil {
					return nil, fmt.Errorf("%s: %w", k.name, err)
				}
				c.t.add(k.name, took)
			}
		}
	}
	alone.row("holdfast/journal").target = ratioOf(1.3)
	many.row("holdfast/journal").target = ratioOf(2)
	start, memory, err := measureRecovery(p, h.entries)
	if err != nil {
		return nil, err
	}
	return []*table{alone, many, start, memory}, nil
}

// measureSyncs returns the time of writing a page with its fdatasync, in microseconds.
func measureSyncs(dir string) (float64, error) {
	f, err := os.Create(filepath.Join(dir, "syncs"))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	page := make([]byte, os.Getpagesize())
	begun := time.Now()
	for i := range int64(64) {
		if _, err := f.WriteAt(page, i%8*int64(len(page))); err != nil {
			return 0, err
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			return 0, err
		}
	}
	return float64(time.Since(begun).Microseconds()) / 64, nil
}

// keep returns the average time of one piece of work, of which each writer does so many, in
// microseconds.
func keep(k keeper, dir string, writers, each int) (micros float64, err error) {
	dir, err = os.MkdirTemp(dir, "journal-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	work, release, err := k.open(dir)
	if err != nil {
		return 0, err
	}
	failed := make(chan error, writers)
	var n atomic.Uint64
	var group sync.WaitGroup
	begun := time.Now()
	for range writers {
		group.Go(func() {
			for range each {
				if err := work(n.Add(1)); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	group.Wait()
	took := time.Since(begun)
	close(failed)
	return float64(took.Microseconds()) / float64(each*writers), errors.Join(<-failed, release())
}

// keepBare uses plain bbolt: an entry is put, and moved when it is finished.
func keepBare(dir string) (func(uint64) error, func() error, error) {
	db, err := bbolt.Open(filepath.Join(dir, "bare"), 0o600, nil)
	if err != nil {
		return nil, nil, err
	}
	value := make([]byte, 256)
	put := func(into, from string, n uint64) error {
		k := binary.BigEndian.AppendUint64(nil, n)
		return db.Update(func(tx *bbolt.Tx) error {
			for _, name := range []string{into, from} {
				if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
					return err
				}
			}
			if err := tx.Bucket([]byte(from)).Delete(k); err != nil {
				return err
			}
			return tx.Bucket([]byte(into)).Put(k, value)
		})
	}
	work := func(n uint64) error {
		if err := put("open", "done", n); err != nil {
			return err
		}
		return put("done", "open", n)
	}
	return work, db.Close, nil
}

// A bare is the runtime of a service that is ready.
type bare struct {
	dir   string
	term  uint64
	ready chan struct{}
}

func (b bare) Term() singleton.Term { return singleton.LocalTerm(b.term) }

func (b bare) StatePath(suffix string) string                            { return filepath.Join(b.dir, "bench"+suffix) }
func (b bare) WhenReady() <-chan struct{}                                { return b.ready }
func (b bare) Slog() *slog.Logger                                        { return slog.New(slog.DiscardHandler) }
func (b bare) OnStop(string, time.Duration, func(context.Context) error) {}

func openJournal(dir string, term uint64) (*journal.Journal, error) {
	b := bare{dir, term, make(chan struct{})}
	close(b.ready)
	j, err := journal.Open(b, journal.Options{})
	if err == nil {
		err = j.Refused()
	}
	return j, err
}

func keepJournal(dir string) (func(uint64) error, func() error, error) {
	j, err := openJournal(dir, 1)
	if err != nil {
		return nil, nil, err
	}
	ctx, params := context.Background(), make([]byte, 64)
	work := func(uint64) error {
		e, err := j.Begin(ctx, journal.Work{Kind: "bench", Trigger: journal.API, Params: params, Rerun: true})
		if err != nil {
			return err
		}
		return j.Finish(ctx, e.ID, journal.Outcome{})
	}
	return work, j.Close, nil
}

// measureRecovery opens a journal with many entries that an earlier run has left, and takes
// the first.
func measureRecovery(p place, entries int) (start, memory *table, err error) {
	dir, err := os.MkdirTemp(p.dir, "journal-")
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	j, err := openJournal(dir, 1)
	if err != nil {
		return nil, nil, err
	}
	var group sync.WaitGroup
	failed := make(chan error, 1000)
	for range cap(failed) {
		group.Go(func() {
			for range entries / cap(failed) {
				if _, err := j.Begin(context.Background(), journal.Work{Kind: "bench", Params: make([]byte, 64), Rerun: true}); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	group.Wait()
	close(failed)
	if err := errors.Join(<-failed, j.Close()); err != nil {
		return nil, nil, err
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begun := time.Now()
	j, err = openJournal(dir, 2)
	if err != nil {
		return nil, nil, err
	}
	if _, err := j.Next(context.Background()); err != nil {
		return nil, nil, errors.Join(err, j.Close())
	}
	took := time.Since(begun)
	runtime.ReadMemStats(&after)
	start = &table{title: fmt.Sprintf("journal: %d open entries, until the first is run again (%s)", entries, p.name), unit: "ms"}
	start.add("holdfast/journal", float64(took.Milliseconds()))
	start.row("holdfast/journal").target = absolute(2000, "ms")
	memory = &table{title: "journal: what that allocates", unit: "MiB"}
	memory.add("holdfast/journal", float64(after.TotalAlloc-before.TotalAlloc)/(1<<20))
	memory.row("holdfast/journal").target = absolute(64, "MiB")
	return start, memory, j.Close()
}
