package singleton

import "time"

// A retry limits the wait for another process that is in the middle of something. It allows at
// least half a second and at least thirty attempts, with growing pauses. On a busy machine
// half a second alone allows only a few attempts, and the other process is as slow as this
// one.
type retry struct {
	next time.Duration
	end  time.Time
	left int
}

func newRetry() *retry {
	return &retry{next: 200 * time.Microsecond, end: time.Now().Add(500 * time.Millisecond), left: 30}
}

// wait sleeps before the next attempt, or returns false if there is none.
func (r *retry) wait() bool {
	if r.left <= 0 && time.Now().After(r.end) {
		return false
	}
	r.left--
	time.Sleep(r.next)
	r.next = min(2*r.next, 20*time.Millisecond)
	return true
}
