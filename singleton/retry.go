package singleton

import "time"

// retry bounds the wait for another process that is half-way through
// something: about half a second in all, longer from step to step.
type retry struct {
	next time.Duration
	end  time.Time
}

func newRetry() *retry {
	return &retry{next: 200 * time.Microsecond, end: time.Now().Add(500 * time.Millisecond)}
}

// wait sleeps before the next try, or reports that there is to be none.
func (r *retry) wait() bool {
	if time.Now().After(r.end) {
		return false
	}
	time.Sleep(r.next)
	r.next = min(2*r.next, 20*time.Millisecond)
	return true
}
