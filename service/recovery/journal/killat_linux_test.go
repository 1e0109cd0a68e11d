package journal_test

import (
	"fmt"
	"os/exec"
	"testing"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

// writes are the calls with which a journal changes its file.
const writes = "pwrite64,fdatasync,fsync,ftruncate,rename,renameat,renameat2,unlinkat"

// traced runs the role once, and injects a fault into its n-th write, counted in each thread.
func traced(t *testing.T, dir, inject string, n int) error {
	t.Helper()
	cmd := process(t, "once", dir, 1, "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace="+writes,
		"-e", fmt.Sprintf("inject=%s:%s:when=%d", writes, inject, n))
	cmd.Env = append(cmd.Env, "GOMAXPROCS=1")
	return cmd.Run()
}

func needTracer(t *testing.T) {
	t.Helper()
	if err := exec.CommandContext(t.Context(), "strace", "-qq", "-o", "/dev/null", "true").Run(); err != nil {
		t.Skip("no strace that works here: ", err)
	}
	if testing.Short() {
		t.Skip("a process for each write")
	}
}

// A kill at every write, sync and rename, while a journal is made and during begin,
// checkpoint, end and compaction. Only a part of the cases is played: see slice.
func TestKilledAtEveryWriteItLosesNothing(t *testing.T) {
	needTracer(t)
	first, each := slice(t, 4)
	for n := first + 1; ; n += each {
		dir := t.TempDir()
		err := traced(t, dir, "signal=KILL", n)
		check(t, dir, 2)
		if err == nil {
			if n < 5 {
				t.Errorf("only %d writes", n-1)
			}
			return
		}
	}
}

// A disk becomes full at some write. Everything accepted before exists, and the next life has
// it. Only a part of the cases is played: see slice.
func TestADiskThatIsFullFromAnyWriteOnLosesNothing(t *testing.T) {
	needTracer(t)
	first, each := slice(t, 4)
	for n := first + 1; ; n += each {
		dir := t.TempDir()
		cmd := process(t, "once", dir, 1, "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64,ftruncate,fdatasync",
			"-e", fmt.Sprintf("inject=pwrite64,ftruncate,fdatasync:error=ENOSPC:when=%d+", n))
		cmd.Env = append(cmd.Env, "GOMAXPROCS=1")
		full := cmd.Run()
		check(t, dir, 2)
		if full == nil {
			if n < 5 {
				t.Errorf("only %d writes", n-1)
			}
			return
		}
	}
}

func TestAFullDiskIsToldAndPasses(t *testing.T) {
	m := newMemory()
	j := open(t, ready(t.TempDir(), 1), journal.Options{Store: m})
	e := begin(t, j, journal.Work{Kind: "x"})
	m.mu.Lock()
	m.left = 0
	m.mu.Unlock()
	if err := j.Finish(t.Context(), e.ID, journal.Outcome{}); err == nil {
		t.Error("finished, and written nowhere")
	}
	m.mu.Lock()
	m.down, m.left = false, -1
	m.mu.Unlock()
	if err := j.Finish(t.Context(), e.ID, journal.Outcome{}); err != nil {
		t.Error(err)
	}
}
