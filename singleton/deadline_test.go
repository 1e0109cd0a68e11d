package singleton_test

import (
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/singleton"
)

// A process that is paused while it reads its clocks must not take its deadline for a later
// one: somebody else leads then.
func TestAPauseMakesNoDeadlineLater(t *testing.T) {
	var passed time.Duration
	begin := time.Now()
	pause := func() time.Duration { // each clock is read, and then the process is paused
		defer func() { passed += time.Hour }()
		return passed
	}
	deadline := singleton.DeadlineBy(time.Minute,
		func() time.Time { return begin.Add(pause()) },
		func() (time.Duration, error) { return pause(), nil })
	if late := deadline.Sub(begin.Add(time.Minute)); late > 0 {
		t.Errorf("the deadline is %v late", late)
	}
}
