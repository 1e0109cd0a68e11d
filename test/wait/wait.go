// Package wait lets tests wait for events outside their process, however slow the machine is.
//
// No test of this module depends on the clock. [Limit] exists only so that a test that waits
// in vain ends some day; a machine that is slow or busy does not come near it. A campaign of
// many rounds has no limit for the whole: each round has its own, so that the campaign
// continues as long as it makes progress. A wait longer than [Notable], which people would
// consider generous, is logged with [Marker], and `make test` repeats it at its end.
package wait

import (
	"context"
	"fmt"
	"strings"
	"time"
)

const (
	// Limit limits how long a test waits for one event. An event may be the end of a script of
	// many commands, on a machine that takes seconds for each.
	Limit = 30 * time.Minute
	// Notable is the duration up to which a wait is not logged.
	Notable = 20 * time.Second
	// Marker begins the line that logs a long wait.
	Marker = "had to wait "

	pause     = 10 * time.Millisecond // at least
	longPause = time.Second
	patience  = 12 // a pause is this part of the time waited so far, up to longPause
	rest      = 4  // but at least this many times as long as the last check took, up to longRest
	longRest  = 10 * time.Second
)

// T has the methods of a test that this package needs. *testing.T has them, and so has a
// testscript.
type T interface {
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Until calls so repeatedly, with short pauses, until it returns true. After [Limit] it fails
// the test, and shows the results of the functions scene, which describe the actual state. It
// must be called by the test's own goroutine.
//
// A pause is at least four times as long as the last call of so: a check that starts a process leaves the machine to what it
// waits for, and on a busy machine many tests wait. Pauses grow with the wait: a check that starts a process every few
// milliseconds for half a minute costs the machine more than most tests.
func Until(t T, what string, so func() bool, scene ...func() string) {
	helper(t)()
	begin := time.Now()
	defer Tell(t, what, begin)
	for asked := begin; !so(); asked = time.Now() {
		if time.Since(begin) > Limit {
			fail(t, what, scene)
		}
		took := time.Since(asked)
		time.Sleep(max(min(rest*took, longRest), min(max(time.Since(begin)/patience, pause), longPause)))
	}
}

// For returns a value from a channel, or the zero value when the channel is closed. After
// [Limit] it fails the test as [Until] does.
func For[V any](t T, what string, from <-chan V, scene ...func() string) V {
	helper(t)()
	defer Tell(t, what, time.Now())
	limit := time.NewTimer(Limit)
	defer limit.Stop()
	select {
	case v := <-from:
		return v
	case <-limit.C:
		fail(t, what, scene)
		panic("a failed test goes on")
	}
}

// Context returns a context that ends after [Limit], for one command. done logs the duration
// if it was long.
func Context(t T, parent context.Context, what string) (ctx context.Context, done func()) { //nolint:revive // the test comes first, as in testing
	ctx, cancel := context.WithTimeout(parent, Limit)
	begin := time.Now()
	return ctx, func() { Tell(t, what, begin); cancel() }
}

func fail(t T, what string, scene []func() string) {
	said := []string{fmt.Sprintf("not within %v: %s", Limit, what)}
	for _, see := range scene {
		said = append(said, see())
	}
	helper(t)()
	t.Fatalf("%s", strings.Join(said, "\n"))
}

// Tell logs the time since begin if it is longer than [Notable].
func Tell(t T, what string, begin time.Time) {
	if took := time.Since(begin); took > Notable {
		helper(t)()
		t.Logf("%s%v: %s", Marker, took.Round(time.Second), what)
	}
}

// helper returns the test's Helper method, or a function that does nothing if it has none.
func helper(t T) func() {
	if h, ok := t.(interface{ Helper() }); ok {
		return h.Helper
	}
	return func() {}
}

// Witness calls scene once when half of [Limit] is over, because a command that hangs is
// killed at the end and can no longer be examined. over cancels that, or returns the result of
// scene if it has been called.
func Witness(scene func() string) (over func() string) {
	seen := make(chan string, 1)
	timer := time.AfterFunc(Limit/2, func() { seen <- scene() })
	return func() string {
		if timer.Stop() {
			return ""
		}
		return "half-way:\n" + <-seen + "\nafterwards:\n"
	}
}
