package journal_test

import (
	"encoding/binary"
	"fmt"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// A primary that is suspended for longer than a lease hears of nobody in that time. That is no
// worker's fault.
//
//	primary      worker
//	Begin
//	SIGSTOP      Renew, which nobody takes
//	SIGCONT      Renew
//	tick: the lease has run out long ago
func TestALeaseDoesNotRunOutWhileItsPrimaryIsSuspended(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd, goOn := begun(t, "lender", dir)
	wait.Pause(t, cmd.Process.Pid)
	time.Sleep(lease + time.Second) // the length of the pause is what is tested
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if said := goOn(); said != "renewed" {
		_ = cmd.Wait()
		t.Fatalf("%q: %v", said, cmd.Stderr)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err, cmd.Stderr)
	}
}

// The clocks since boot differ between time namespaces. Work that begins in one namespace
// continues in others, a hundred days ahead and a hundred days back.
func TestWorkIsTakenUpInAnotherTimeNamespace(t *testing.T) {
	in := func(days int) []string {
		return []string{"unshare", "--time", fmt.Sprintf("--monotonic=%d", days*86400), fmt.Sprintf("--boottime=%d", days*86400)}
	}
	probe := append(in(100), "true")
	if out, err := exec.CommandContext(t.Context(), probe[0], probe[1:]...).CombinedOutput(); err != nil {
		t.Skipf("no time namespaces for us: %v: %s", err, out)
	}
	for _, way := range [][2]int{{100, 0}, {0, 100}, {100, 200}} {
		dir := t.TempDir()
		cmd, _ := begun(t, "lender", dir, in(way[0])...)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		heir := process(t, "heir", dir, 2, in(way[1])...)
		if out, err := heir.Output(); err != nil || string(out) != "finished\n" {
			t.Errorf("from %d days to %d: %q, %v: %v", way[0], way[1], out, err, heir.Stderr)
		}
		load := process(t, "load", dir, 3, in(way[0])...)
		if err := load.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(200 * time.Millisecond) // time for some work before the kill
		_ = load.Process.Kill()
		_ = load.Wait()
		check(t, dir, 4)
	}
}

// The time of day may be set arbitrarily: the order follows the numbers, open work stays, and
// entries from the future are limited by their number.
func TestTheClockIsSetBackAndForth(t *testing.T) {
	m, rt := newMemory(), ready(t.TempDir(), 1)
	j := open(t, rt, journal.Options{Store: m})
	var open []uint64
	for n, at := range []time.Duration{0, 10 * 365 * 24 * time.Hour, -10 * 365 * 24 * time.Hour, time.Hour} {
		e := begin(t, j, journal.Work{Kind: "x", Rerun: true})
		e.Begun = time.Now().Add(at)
		m.put(t, "open", e)
		open = append(open, e.ID)
		done := begin(t, j, journal.Work{Kind: "done", Key: fmt.Sprint(n)})
		if err := j.Finish(t.Context(), done.ID, journal.Outcome{}); err != nil {
			t.Fatal(err)
		}
		done = show(t, j, done.ID)
		done.Begun, done.Ended = done.Begun.Add(at), done.Ended.Add(at)
		m.put(t, "done", done)
	}
	journal.Tidy(t, j)
	if all := list(t, j); len(all) != 8 {
		t.Errorf("%d entries", len(all)) // the first entry is not old, so the rest is not examined
	}
	j = again(t, j, rt, journal.Options{Store: m, Keep: 1})
	journal.Tidy(t, j)
	for _, id := range open {
		if got := next(t, j); got.RerunOf != id {
			t.Errorf("%d is run again before %d", got.RerunOf, id)
		}
	}
	done := 0
	for _, e := range list(t, j) {
		if e.Kind == "done" {
			done++
		}
	}
	if done != 1 {
		t.Errorf("%d ended entries are kept", done)
	}
}

// put stores e unchanged.
func (m *memory) put(t *testing.T, bucket string, e journal.Entry) {
	t.Helper()
	b, err := journal.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.data[bucket][string(binary.BigEndian.AppendUint64(nil, e.ID))] = string(b)
}
