// Package wait is how tests wait for what happens outside their process: until it is so, however slow the machine.
//
// No test of this module decides by the clock. [Limit] is there only so that a test that waits in vain ends some day; a
// machine that is slow, or busy with something else, does not get near it. A campaign of many rounds has no limit for the
// whole: each round has its own, so that it goes on as long as it gets on. A wait that would have failed by what people take
// for generous ([Notable]) is told with [Marker], which `make test` repeats at its end.
package wait

import (
	"context"
	"fmt"
	"strings"
	"time"
)

const (
	// Limit is how long a test waits for one thing before it gives up.
	Limit = 5 * time.Minute
	// Notable is how long a wait may be without being told.
	Notable = 20 * time.Second
	// Marker begins the line that tells of a long wait.
	Marker = "had to wait "

	pause     = 10 * time.Millisecond // at least
	longPause = time.Second
)

// T is what is needed of a test: *testing.T has it, and so has a testscript.
type T interface {
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Until asks again and again, with a short pause between, until so returns true. It fails the test after [Limit], and calls
// the functions scene then to say how things are instead. It is for the test's own goroutine.
//
// The pause is as long as so took: who asks by means of a process leaves half of the machine to what is waited for.
func Until(t T, what string, so func() bool, scene ...func() string) {
	helper(t)()
	defer Tell(t, what, time.Now())
	end := time.Now().Add(Limit)
	for asked := time.Now(); !so(); asked = time.Now() {
		if time.Now().After(end) {
			fail(t, what, scene)
		}
		time.Sleep(min(max(time.Since(asked), pause), longPause))
	}
}

// For returns what comes from a channel, or its zero value when the channel is closed. It fails the test after [Limit] as [Until]
// does.
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

// Context is a context that ends after [Limit], for one command; done tells of it if it took long.
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

// Tell tells how long something took since begin, if it was long.
func Tell(t T, what string, begin time.Time) {
	if took := time.Since(begin); took > Notable {
		helper(t)()
		t.Logf("%s%v: %s", Marker, took.Round(time.Second), what)
	}
}

// helper returns what keeps a function out of the places that the test's log names, if the test can do that.
func helper(t T) func() {
	if h, ok := t.(interface{ Helper() }); ok {
		return h.Helper
	}
	return func() {}
}

// Witness has scene looked at once half of [Limit] is over: a command that hangs is killed at the end, and is not to be seen
// any more. over ends that, and returns what was seen; nothing if it is over before.
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
