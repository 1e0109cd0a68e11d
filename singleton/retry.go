package singleton

import "time"

// retry bounds the wait for another process that is half-way through
// something: at least half a second and thirty tries, longer from one to the
// next. On a busy machine half a second alone is over after a few, and the other
// process is as slow as we are.
type retry struct {
	next time.Duration
	end  time.Time
	left int
}

func newRetry() *retry {
	return &retry{next: 200 * time.Microsecond, end: time.Now().Add(500 * time.Millisecond), left: 30}
}

// wait sleeps before the next try, or reports that there is to be none.
func (r *retry) wait() bool {
	if r.left <= 0 && time.Now().After(r.end) {
		return false
	}
	r.left--
	time.Sleep(r.next)
	r.next = min(2*r.next, 20*time.Millisecond)
	return true
}
