//go:build linux || darwin || windows

package singleton_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/singleton"
)

func acquire(t *testing.T, o singleton.Options) *singleton.Lock {
	t.Helper()
	l, err := singleton.Acquire(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Release() })
	return l
}

func mustBeFree(t *testing.T, o singleton.Options) {
	t.Helper()
	if h, err := singleton.Probe(o); !errors.Is(err, singleton.ErrFree) {
		t.Errorf("probe: %+v, %v, want ErrFree", h, err)
	}
}

func TestHolderIsNamedAndReleaseLeavesNoPIDFile(t *testing.T) {
	o := options(t)
	mustBeFree(t, o)
	l := acquire(t, o)
	if got, want := read(t, o.PIDFile()), fmt.Sprintf("%d\n", os.Getpid()); got != want {
		t.Errorf("PID file holds %q, want %q", got, want)
	}
	_, err := singleton.Acquire(o)
	var held *singleton.HeldError
	if !errors.As(err, &held) || held.Holder.PID != os.Getpid() || held.Holder.Origin != "test" || held.Holder.Since.IsZero() {
		t.Fatalf("second acquire: %v", err)
	}
	if me := l.Holder(); !me.Same(held.Holder.Identity) || !me.Since.Equal(held.Holder.Since) {
		t.Errorf("the holder knows itself as %+v, the refused as %+v", me, held.Holder)
	}
	h, err := singleton.Probe(o)
	if err != nil || !h.Same(held.Holder.Identity) || h.UID != os.Geteuid() {
		t.Errorf("probe: %+v, %v", h, err)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(o.PIDFile()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("PID file after release: %v", err)
	}
	if found := l.Check(); found != nil {
		t.Errorf("checked after release: %v", found)
	}
	mustBeFree(t, o)
	acquire(t, o)
}

// A service of the system and one of a user, or two with directories of their own.
func TestOtherDirectoriesAreAnotherName(t *testing.T) {
	a, b := options(t), options(t)
	acquire(t, a)
	acquire(t, b)
	b.StateDir = a.StateDir
	if _, err := singleton.Acquire(b); !errors.Is(err, singleton.ErrHeld) {
		t.Errorf("one directory in common: %v", err)
	}
	b = options(t)
	b.Dir = a.Dir
	if _, err := singleton.Acquire(b); !errors.Is(err, singleton.ErrHeld) {
		t.Errorf("the other directory in common: %v", err)
	}
}

// INCIDENT 1 and 2: whatever a dead holder or anybody else has left in the PID file, a start
// takes over and signals nobody.
func TestLeftoversAreTakenOver(t *testing.T) {
	foreign := start(t, "linger", options(t), nil)
	contents := map[string]string{
		"a live foreign process": fmt.Sprintf("%d\n", foreign.cmd.Process.Pid),
		"our own number":         fmt.Sprintf("%d\n", os.Getpid()),
		"init":                   "1\n", "empty": "", "zero": "0\n", "all processes": "-1\n",
		"binary": "\x00\xff\xfe", "huge": strings.Repeat("9", 1<<20), "text": "not a number\n",
	}
	for name, content := range contents {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			for _, path := range []string{o.PIDFile(), o.LockFile(), o.MutexFile()} {
				if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			mustBeFree(t, o)
			acquire(t, o)
			if got, want := read(t, o.PIDFile()), fmt.Sprintf("%d\n", os.Getpid()); got != want {
				t.Errorf("PID file holds %q, want %q", got, want)
			}
			if h, err := singleton.Probe(o); err != nil || h.PID != os.Getpid() {
				t.Errorf("probe: %+v, %v", h, err)
			}
		})
	}
	_ = foreign.stdin.Close()
	if err := foreign.cmd.Wait(); err != nil {
		t.Errorf("the foreign process did not end by itself: %v", err)
	}
}

func TestLoserTouchesNothing(t *testing.T) {
	o := options(t)
	a := start(t, "hold", o, nil)
	a.expect(t, "held")
	before := read(t, o.PIDFile()) + read(t, o.LockFile())
	info, _ := os.Stat(o.PIDFile())
	line := start(t, "hold", o, nil).expect(t, "refused: already running")
	if !strings.Contains(line, fmt.Sprintf("pid %d,", a.cmd.Process.Pid)) {
		t.Errorf("the refusal does not name the holder: %s", line)
	}
	after, _ := os.Stat(o.PIDFile())
	if got := read(t, o.PIDFile()) + read(t, o.LockFile()); got != before || !os.SameFile(info, after) ||
		!info.ModTime().Equal(after.ModTime()) {
		t.Errorf("files changed:\n%s%s", before, got)
	}
}

func TestKilledHolderIsSucceeded(t *testing.T) {
	o := options(t)
	a := start(t, "hold", o, nil)
	a.expect(t, "held")
	a.kill(t)
	mustBeFree(t, o)
	start(t, "hold", o, nil).expect(t, "held")
	start(t, "hold", o, nil).expect(t, "refused: already running")
}

// A child that outlives the holder must not keep the name.
func TestChildDoesNotInheritTheLock(t *testing.T) {
	o := options(t)
	a := start(t, "hold-and-fork", o, nil)
	a.expect(t, "held")
	// The child keeps the pipe open, so wait only for the holder.
	if err := a.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := a.cmd.Process.Wait(); err != nil {
		t.Fatal(err)
	}
	start(t, "hold", o, nil).expect(t, "held")
	_ = a.stdin.Close()
}

// INCIDENT 3: files are removed while the holder is running. The loss of one directory of two
// is handled everywhere. The loss of both, or of a single one that serves as both, needs the
// kernel's list, or a file that nobody can remove, as on Windows.
func TestRemovedFilesDoNotLetASecondIn(t *testing.T) {
	empty := func(t *testing.T, dir string) {
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) == 0 {
			t.Fatalf("nothing to remove in %s: %v", dir, err)
		}
		for _, e := range entries {
			err := os.Remove(filepath.Join(dir, e.Name()))
			if kept := runtime.GOOS == "windows" && filepath.Ext(e.Name()) == ".mutex"; (err != nil) != kept {
				t.Fatalf("%s: %v", e.Name(), err)
			}
		}
	}
	cases := map[string]struct {
		one    bool
		remove func(t *testing.T, o singleton.Options)
		listed bool
	}{
		"PID file":          {remove: func(t *testing.T, o singleton.Options) { _ = os.Remove(o.PIDFile()) }},
		"runtime directory": {remove: func(t *testing.T, o singleton.Options) { _ = os.RemoveAll(o.Dir) }},
		"state directory":   {remove: func(t *testing.T, o singleton.Options) { _ = os.RemoveAll(o.StateDir) }},
		"both, emptied":     {remove: func(t *testing.T, o singleton.Options) { empty(t, o.Dir); empty(t, o.StateDir) }, listed: true},
		"both, put back from a copy": {remove: func(t *testing.T, o singleton.Options) {
			for _, path := range []string{o.PIDFile(), o.LockFile(), o.MutexFile()} {
				content, err := os.ReadFile(path)
				must(t, err)
				if runtime.GOOS == "windows" && path == o.MutexFile() {
					continue // nobody can remove it
				}
				must(t, os.Remove(path))
				must(t, os.WriteFile(path, content, 0o644))
			}
		}, listed: true},
		"one for all, gone":  {one: true, remove: func(t *testing.T, o singleton.Options) { _ = os.RemoveAll(o.Dir) }, listed: true},
		"one for all, empty": {one: true, remove: func(t *testing.T, o singleton.Options) { empty(t, o.Dir) }, listed: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := os.Stat("/proc/locks"); c.listed && err != nil && runtime.GOOS != "windows" {
				t.Skip("this system does not list its locks: ", err)
			}
			o := options(t)
			if c.one {
				o.StateDir = o.Dir
			}
			a := start(t, "hold", o, nil)
			a.expect(t, "held")
			c.remove(t, o)
			line := start(t, "hold", o, nil).expect(t, "refused: already running")
			if strings.Contains(name, "both") && runtime.GOOS == "linux" && !strings.Contains(line, fmt.Sprintf("pid %d,", a.cmd.Process.Pid)) {
				t.Errorf("holder not named: %s", line)
			}
			a.kill(t)
			start(t, "hold", o, nil).expect(t, "held")
		})
	}
}

func TestCheckRestores(t *testing.T) {
	replaced := "was replaced"
	if runtime.GOOS == "windows" {
		replaced = "was altered " // the removed file was not locked
	}
	damages := map[string]func(path string) error{
		"was removed": os.Remove,
		"was altered": func(p string) error { return os.WriteFile(p, []byte("4711\n"), 0o600) },
		replaced: func(p string) error {
			if err := os.WriteFile(p+".foreign", []byte("4711\n"), 0o600); err != nil {
				return err
			}
			return os.Rename(p+".foreign", p)
		},
	}
	for damage, do := range damages {
		for _, which := range []func(singleton.Options) string{singleton.Options.PIDFile, singleton.Options.LockFile, singleton.Options.MutexFile} {
			o := options(t)
			path := which(o)
			if path == o.MutexFile() && runtime.GOOS == "windows" {
				continue // nobody can remove it there, and it is empty
			}
			t.Run(damage+"/"+filepath.Base(path), func(t *testing.T) {
				l := acquire(t, o)
				if found := l.Check(); found != nil {
					t.Fatalf("before any damage: %v", found)
				}
				before := read(t, path)
				if err := do(path); err != nil {
					t.Fatal(err)
				}
				found := l.Check()
				if len(found) != 1 || !strings.Contains(found[0].Error(), strings.TrimSpace(damage)) {
					t.Fatalf("found %v, want one that it %s", found, damage)
				}
				if got := read(t, path); got != before && path != o.MutexFile() { // the mutex identifies itself
					t.Errorf("restored as %q, was %q", got, before)
				}
				if again := l.Check(); again != nil {
					t.Errorf("after the repair: %v", again)
				}
				start(t, "hold", o, nil).expect(t, "refused: already running")
				if err := l.Release(); err != nil {
					t.Error(err)
				}
				mustBeFree(t, o)
			})
		}
	}
}

func TestReleaseLeavesAForeignPIDFile(t *testing.T) {
	o := options(t)
	l := acquire(t, o)
	if err := os.Remove(o.PIDFile()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(o.PIDFile(), []byte("somebody else's\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
	if got := read(t, o.PIDFile()); got != "somebody else's\n" {
		t.Errorf("foreign file now holds %q", got)
	}
}

// A manager that considers a service stopped as soon as it says so starts the next process
// while the last one is still ending.
//
//	old: Abandon ... says "stopped" ............... ends
//	new:                             Acquire (waits)     held
func TestOverlapWaitsForTheLastProcess(t *testing.T) {
	o := options(t)
	old := start(t, "hold", o, nil)
	old.expect(t, "held")
	start(t, "hold", o, nil).expect(t, "refused: already running") // no overlap requested
	o.Overlap = 10 * time.Minute
	other := o
	other.Origin = "hand"
	begun := time.Now()
	start(t, "hold", other, nil).expect(t, "refused: already running")
	if took := time.Since(begun); took > o.Overlap/2 {
		t.Errorf("it waited for a holder that somebody else started: %v", took)
	}
	next := start(t, "hold", o, nil)
	third := o
	third.Overlap = 50 * time.Millisecond
	start(t, "hold", third, nil).expect(t, "refused: already running") // limited
	_ = old.stdin.Close()
	next.expect(t, "held")
}

func TestAbandonHoldsUntilTheEnd(t *testing.T) {
	o := options(t)
	l := acquire(t, o)
	if err := l.Abandon(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(o.PIDFile()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("PID file: %v", err)
	}
	start(t, "hold", o, nil).expect(t, "refused: already running")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A process may change its working directory between two calls.
func TestRelativeDirectoriesAreMadeAbsolute(t *testing.T) {
	t.Chdir(t.TempDir())
	o := singleton.Options{Name: "feedd", Dir: "run", StateDir: "state"}
	there := o
	there.Dir, _ = filepath.Abs(o.Dir)
	there.StateDir, _ = filepath.Abs(o.StateDir)
	l := acquire(t, o)
	if h, err := singleton.Probe(o); err != nil || !h.Known() {
		t.Errorf("probe: %v, %v", h, err)
	}
	t.Chdir(t.TempDir())
	if found := l.Check(); found != nil {
		t.Errorf("after a change of the directory: %v", found)
	}
	if h, err := singleton.Probe(there); err != nil || !h.Known() {
		t.Errorf("probe by absolute path: %v, %v", h, err)
	}
	must(t, l.Release())
	mustBeFree(t, there)
	if _, err := os.Lstat(there.PIDFile()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("PID file after release: %v", err)
	}
}

// A probe takes a shared lock for a moment. A starter must not take it for a holder.
func TestProbesNeverMakeAStarterFail(t *testing.T) {
	o := options(t)
	done := make(chan struct{})
	var probes sync.WaitGroup
	for range 4 {
		probes.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					if _, err := singleton.Probe(o); err != nil && !errors.Is(err, singleton.ErrFree) {
						t.Errorf("probe: %v", err)
					}
				}
			}
		})
	}
	rounds := 200
	if runtime.GOOS == "windows" {
		rounds = 40 // system calls are slow under Wine
	}
	for range rounds {
		l, err := singleton.Acquire(o)
		if err != nil {
			t.Fatalf("refused because of a probe: %v", err)
		}
		must(t, l.Release())
	}
	close(done)
	probes.Wait()
}

// INCIDENT 3: any number of simultaneous starts, exactly one winner.
func TestOneWinner(t *testing.T) {
	o := options(t)
	const n = 40
	all := make([]*other, n)
	for i := range all {
		all[i] = start(t, "hold", o, nil)
	}
	winner := 0
	for _, p := range all {
		switch line := p.says(t); {
		case line == "held" && winner == 0:
			winner = p.cmd.Process.Pid
		case line == "held":
			t.Errorf("a second winner: %d beside %d", p.cmd.Process.Pid, winner)
		case !strings.HasPrefix(line, "refused: already running"):
			t.Errorf("a loser says %q", line)
		}
	}
	if got, want := read(t, o.PIDFile()), fmt.Sprintf("%d\n", winner); got != want {
		t.Errorf("the PID file holds %q, the winner is %q", got, want)
	}
}
