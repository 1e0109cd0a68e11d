package journal_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

// small begins, saves and finishes some work, and reports each step that is durable.
func small(j *journal.Journal) error {
	o, err := outside()
	if err != nil {
		return err
	}
	ctx := context.Background()
	for i := range 6 {
		key := strconv.Itoa(i)
		e, err := j.Begin(ctx, journal.Work{Kind: "x", Key: key, Rerun: true, Params: bytes.Repeat([]byte{'x'}, 3000)})
		if err != nil {
			return err
		}
		o.Say("begun", key, e.ID)
		if err := j.Checkpoint(ctx, e.ID, []byte(key)); err != nil {
			return err
		}
		o.Say("saved", key, e.ID)
		if i%2 == 0 {
			continue
		}
		if err := j.Finish(ctx, e.ID, journal.Outcome{}); err != nil {
			return err
		}
		o.Say("ended", key, e.ID)
	}
	return nil
}

// A step is what a process did to the disk: a write, a change of size, a sync, or a report to
// the outside.
type step struct {
	call string
	data []byte
	at   int64
}

// traceOf parses the steps that strace -f -y -xx recorded of the journal's file and of the
// effects.
func traceOf(t *testing.T, log []byte) (steps []step) {
	t.Helper()
	for _, c := range changesOf(t, log) {
		switch name := filepath.Base(c.path); {
		case name == "effects" && c.call == "write":
			steps = append(steps, step{call: "said", data: c.data})
		case name != "feedd"+journal.Suffix:
		case c.call == "pwrite64":
			steps = append(steps, step{"write", c.data, c.at})
		case c.call == "ftruncate":
			steps = append(steps, step{"size", nil, c.at})
		case c.call == "fdatasync" || c.call == "fsync":
			steps = append(steps, step{call: "sync"})
		}
	}
	return steps
}

// apply does to a file what s does.
func (s step) apply(file []byte) []byte {
	need := s.at + int64(len(s.data))
	if int64(len(file)) < need {
		file = append(file, make([]byte, need-int64(len(file)))...)
	}
	copy(file[s.at:], s.data)
	return file
}

// cuts returns the files that a power cut may leave if late is not synced: any part of late
// may be on disk, and the last write partly.
func cuts(synced []byte, late []step) (all [][]byte) {
	with := func(which func(int) bool) []byte {
		file := bytes.Clone(synced)
		for i, s := range late {
			if which(i) {
				file = s.apply(file)
			}
		}
		return file
	}
	all = append(all, with(func(int) bool { return false }), with(func(int) bool { return true }))
	for k, s := range late {
		all = append(all, with(func(i int) bool { return i == k }), with(func(i int) bool { return i != k }))
		if len(s.data) > 512 {
			torn := s
			torn.data = s.data[:512]
			all = append(all, torn.apply(bytes.Clone(synced)), torn.apply(with(func(i int) bool { return i != k })))
		}
	}
	return all
}

// A power cut at each write loses any part of what was not synced. Everything reported as
// durable exists.
func TestAPowerCutAnywhereLosesNothingThatWasToldDurable(t *testing.T) {
	needTracer(t)
	dir := t.TempDir()
	j := open(t, ready(dir, 1), journal.Options{})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "feedd"+journal.Suffix)
	synced, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "trace")
	cmd := process(t, "small", dir, 2, "strace", "-f", "-qq", "-y", "-xx", "-s", "1000000", "-o", log,
		"-e", "trace=pwrite64,write,ftruncate,fdatasync,fsync")
	if err := cmd.Run(); err != nil {
		t.Fatal(err, cmd.Stderr)
	}
	content, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	var late []step
	var told []string
	seen, syncs := map[[sha256.Size]byte]bool{}, 0
	for _, s := range traceOf(t, content) {
		switch s.call {
		case "said":
			told = append(told, string(s.data))
			seen = map[[sha256.Size]byte]bool{} // from now on the same file must contain more
		case "sync":
			syncs++
			for _, l := range late {
				synced = l.apply(synced)
			}
			late = nil
		default:
			late = append(late, s)
		}
		for _, file := range cuts(synced, late) {
			if sum := sha256.Sum256(file); !seen[sum] {
				seen[sum] = true
				has(t, file, told)
			}
		}
	}
	if syncs < 30 || len(told) != 15 {
		t.Errorf("%d syncs and %d words were seen", syncs, len(told))
	}
}

// has fails the test unless a journal with that file has everything that was reported.
func has(t *testing.T, file []byte, told []string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "feedd"+journal.Suffix), file, 0o600); err != nil {
		t.Fatal(err)
	}
	j := open(t, ready(dir, 3), journal.Options{})
	defer j.Close()
	if j.SetAside() != "" {
		t.Fatalf("after %q it is set aside", told)
	}
	for _, line := range told {
		var what, key string
		var id uint64
		if _, err := fmt.Sscan(line, &what, &key, &id); err != nil {
			t.Fatal(err)
		}
		e, err := j.Show(id)
		switch {
		case errors.Is(err, journal.ErrNone) || err != nil || e.Key != key || len(e.Params) != 3000:
			t.Errorf("%q was told, and there is %+v, %v", line, e, err)
		case what == "saved" && string(e.Checkpoint) != key, what == "ended" && e.State != journal.Finished:
			t.Errorf("%q was told, and it is %s with %q", line, e.State, e.Checkpoint)
		}
	}
}
