//go:build unix

package journal_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
	"github.com/holdfast-dev/holdfast/test/journaltest"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// process returns a command that runs this binary in a role, under a tracer if there is one.
func process(t *testing.T, role, dir string, term uint64, tracer ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	argv := append(tracer, exe, "-test.run=^$")
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role, dirVariable+"="+dir, termVariable+"="+strconv.FormatUint(term, 10))
	cmd.Stderr = &bytes.Buffer{}
	return cmd
}

// check is the last life of the service in dir, in which nothing may be lost.
func check(t *testing.T, dir string, term uint64) {
	t.Helper()
	j := open(t, ready(dir, term), journal.Options{MaxCrashes: 1 << 20, Keep: 1 << 20})
	defer j.Close() // many open journals would keep the machine busy
	if j.SetAside() != "" {
		t.Fatal("the journal was set aside: ", j.SetAside())
	}
	journaltest.Check(t, j, effectsIn(dir))
}

// JOURNAL_KILLS sets how often the process is killed. JOURNAL_SEED repeats a run.
func TestKilledAtRandomItLosesNothing(t *testing.T) {
	kills, seed := 12, rand.Uint64()
	if n, err := strconv.Atoi(os.Getenv("JOURNAL_KILLS")); err == nil {
		kills = n
	}
	if n, err := strconv.ParseUint(os.Getenv("JOURNAL_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("JOURNAL_SEED=%d JOURNAL_KILLS=%d", seed, kills)
	random := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	for term := range uint64(kills) {
		cmd := process(t, "load", dir, term+1)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond) // the moment is what is tested
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if text := fmt.Sprint(cmd.Stderr); text != "" {
			t.Fatalf("term %d: %s", term+1, text)
		}
	}
	check(t, dir, uint64(kills)+1)
}

// begun starts a process in a role that has begun its work. goOn lets it continue, and returns
// its output.
func begun(t *testing.T, role, dir string, tracer ...string) (cmd *exec.Cmd, goOn func() string) {
	t.Helper()
	cmd = process(t, role, dir, 1, tracer...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "begun" {
		t.Fatalf("%q: %v", lines.Text(), cmd.Stderr)
	}
	return cmd, func() string {
		if _, err := in.Write([]byte("go on\n")); err != nil {
			t.Fatal(err)
		}
		lines.Scan()
		return lines.Text()
	}
}

func TestAHolderThatWasPausedCannotWriteOverALaterTerm(t *testing.T) {
	dir := t.TempDir()
	cmd, goOn := begun(t, "holder", dir)
	wait.Pause(t, cmd.Process.Pid)
	j := open(t, ready(dir, 2), journal.Options{})
	got := next(t, j)
	if got.Kind != "held" || got.RerunOf != 1 || j.SetAside() != "" {
		t.Fatalf("the later term has %+v", got)
	}
	before := list(t, j)
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if said := goOn(); said != "refused" {
		_ = cmd.Wait()
		t.Errorf("%q: %v", said, cmd.Stderr)
	} else if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if after := list(t, j); fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("before %v\nafter %v", before, after)
	}
	if e := show(t, j, got.ID); e.Checkpoint != nil || e.State != journal.Begun {
		t.Errorf("%+v", e)
	}
	if err := j.Finish(t.Context(), got.ID, journal.Outcome{}); err != nil {
		t.Error(err)
	}
}

func TestACommandAsksWhoeverHasTheJournal(t *testing.T) {
	dir := t.TempDir()
	rt := ready(dir, 1)
	path := rt.StatePath(journal.Suffix)
	j := open(t, rt, journal.Options{})
	e := begin(t, j, journal.Work{Kind: "report", Params: []byte("42")})
	ask := func(verb string, id uint64) (journal.Answer, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		return journal.Ask(ctx, path, journal.Request{Verb: verb, ID: id})
	}
	up, err := ask("list", 0)
	if err != nil || len(up.Entries) != 1 || up.Entries[0].State != journal.Begun {
		t.Errorf("up: %+v, %v", up, err)
	}
	if _, err := ask("rerun", e.ID); !errors.Is(err, journal.ErrNot) || !strings.Contains(err.Error(), "in progress") {
		t.Errorf("up: %v", err)
	}
	if _, err := ask("show", 99); !errors.Is(err, journal.ErrNone) {
		t.Errorf("up: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	down, err := ask("list", 0)
	if err != nil || len(down.Entries) != 1 || down.Entries[0].State != journal.Interrupted {
		t.Errorf("down: %+v, %v", down, err)
	}
	if a, err := ask("rerun", e.ID); err != nil || a.Entries[0].RerunOf != e.ID {
		t.Errorf("down: %+v, %v", a, err)
	}
	rt.Number++
	j = open(t, rt, journal.Options{})
	if got := next(t, j); string(got.Params) != "42" || got.RerunOf != e.ID {
		t.Errorf("%+v", got)
	}
	all, err := os.ReadDir(path + ".desk")
	if err != nil || len(all) != 0 {
		t.Errorf("left on the desk: %v, %v", all, err)
	}
}
