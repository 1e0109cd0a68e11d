package wait_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/test/wait"
)

// test is a test under test.
type test struct{ logged, failed string }

func (t *test) Logf(format string, args ...any) { t.logged += fmt.Sprintf(format, args...) }

func (t *test) Fatalf(format string, args ...any) {
	t.failed = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// run runs fn as a test, with a clock that costs no time.
func run(t *testing.T, fn func(t wait.T)) *test {
	t.Helper()
	result := new(test)
	synctest.Test(t, func(*testing.T) {
		done := make(chan struct{})
		go func() { defer close(done); fn(result) }()
		<-done
	})
	return result
}

func after(d time.Duration) func() bool {
	begin := time.Now()
	return func() bool { return time.Since(begin) >= d }
}

func TestUntil(t *testing.T) {
	for name, tt := range map[string]struct {
		takes          time.Duration
		logged, failed string
	}{
		"at once":           {0, "", ""},
		"some time":         {wait.Notable / 2, "", ""},
		"on a slow machine": {3 * wait.Notable, "had to wait 1m0s: the door opens", ""}, // it is asked once a second by then
		"never":             {24 * time.Hour, "had to wait 30m0s: the door opens", "not within 30m0s: the door opens\nit is shut"},
	} {
		t.Run(name, func(t *testing.T) {
			got := run(t, func(t wait.T) {
				wait.Until(t, "the door opens", after(tt.takes), func() string { return "it is shut" })
			})
			if got.logged != tt.logged || got.failed != tt.failed {
				t.Errorf("logged %q, failed %q; want %q, %q", got.logged, got.failed, tt.logged, tt.failed)
			}
		})
	}
}

// A check that runs a command of the service, on a busy machine.
func TestUntilLeavesTheMachineToOthers(t *testing.T) {
	asked, took := 0, time.Duration(0)
	run(t, func(t wait.T) {
		begin := time.Now()
		wait.Until(t, "the door opens", func() bool {
			asked++
			time.Sleep(400 * time.Millisecond)
			return time.Since(begin) > wait.Notable
		})
		took = time.Since(begin)
	})
	if most := int(took / (1400 * time.Millisecond)); asked > most+1 { // each, and a pause of a second
		t.Errorf("it asked %d times in %v, which takes 400 ms each time", asked, took)
	}
}

// A check that costs nothing itself, but starts a process.
func TestUntilAsksLessAndLess(t *testing.T) {
	asked := 0
	run(t, func(t wait.T) {
		open := after(30 * time.Second)
		wait.Until(t, "the door opens", func() bool { asked++; return open() })
	})
	if asked > 150 {
		t.Errorf("it asked %d times in half a minute", asked)
	}
}

func TestFor(t *testing.T) {
	got := run(t, func(t wait.T) {
		c := make(chan int)
		time.AfterFunc(time.Minute, func() { c <- 7 })
		if v := wait.For(t, "a number", c); v != 7 {
			t.Fatalf("got %d", v)
		}
		close(c)
		if v := wait.For(t, "the end", c); v != 0 {
			t.Fatalf("got %d", v)
		}
	})
	if got.failed != "" || !strings.HasPrefix(got.logged, wait.Marker+"1m0s") {
		t.Errorf("%+v", got)
	}
	got = run(t, func(t wait.T) { wait.For(t, "godot", make(chan int)) })
	if got.failed != "not within 30m0s: godot" {
		t.Errorf("%+v", got)
	}
}

func TestContext(t *testing.T) {
	got := run(t, func(t wait.T) {
		ctx, done := wait.Context(t, context.Background(), "a command")
		defer done()
		begin := time.Now()
		<-ctx.Done()
		if took := time.Since(begin); took != wait.Limit {
			t.Fatalf("ended after %v", took)
		}
	})
	if got.failed != "" || got.logged != wait.Marker+"30m0s: a command" {
		t.Errorf("%+v", got)
	}
}

func TestWitness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		look := func() string { looks++; return "a process that hangs" }
		over := wait.Witness(look)
		time.Sleep(wait.Limit / 4)
		if seen := over(); seen != "" || looks != 0 {
			t.Errorf("of what is over it has seen %q, in %d looks", seen, looks)
		}
		over = wait.Witness(look)
		time.Sleep(wait.Limit)
		if seen := over(); !strings.Contains(seen, "a process that hangs") || looks != 1 {
			t.Errorf("it has seen %q, in %d looks", seen, looks)
		}
	})
}
