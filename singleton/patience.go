package singleton

import "time"

// patience bounds the wait for another process that is half-way through
// something: about half a second in all, longer from step to step.
type patience struct {
	next time.Duration
	end  time.Time
}

func newPatience() *patience {
	return &patience{next: 200 * time.Microsecond, end: time.Now().Add(500 * time.Millisecond)}
}

func (p *patience) wait() bool {
	if time.Now().After(p.end) {
		return false
	}
	time.Sleep(p.next)
	p.next = min(2*p.next, 20*time.Millisecond)
	return true
}
