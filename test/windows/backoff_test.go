//go:build windows

package windows_test

import (
	"strings"
	"testing"
	"time"
)

// Delays grow while a service fails soon after its start. A stop waits just as long, because
// the SCM passes no control to a service that is starting. After that, the delays begin anew.
func TestGrowingDelays(t *testing.T) {
	t.Parallel()
	s := newFeedd(t, "[service.restart]", "delay = '1s'", "backoff = 4.0", "max = -1")
	s.do(t, "install", "--start").must(t)
	const says = "waiting before the start"
	for _, least := range []time.Duration{0, 2 * time.Second} { // the manager has waited for the first second
		dies := process(t, s.running(t).PID)
		begun := time.Now() // before its end, from which the delay counts
		kill(t, dies)
		s.do(t, "start").must(t) // or the SCM was quicker
		if took := time.Since(begun); took < least {
			t.Errorf("it was ready after %v, want at least %v", took, least)
		}
	}
	if n := strings.Count(read(t, s.log), says); n != 1 {
		t.Errorf("it has waited %d times, want once", n)
	}
	kill(t, process(t, s.running(t).PID))
	if onWine() { // where the SCM starts nothing again
		s.begin(t)
	}
	eventually(t, "it waits", func() bool {
		return strings.Contains(s.do(t, "status").out, says+", because 3 runs in a row ended soon after their start")
	})
	s.do(t, "stop").must(t)
	s.do(t, "start").must(t)
	if n := strings.Count(read(t, s.log), says); n != 2 {
		t.Errorf("it has waited %d times, want twice", n)
	}
}
