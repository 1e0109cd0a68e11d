package service

import "time"

// Lasting trouble is reported again after recurrencePause, then after pauses that double up to
// recurrencePauseMax.
const (
	recurrencePause    = time.Minute
	recurrencePauseMax = time.Hour
)

// A recurrence keeps recurring trouble from flooding the log. Trouble is reported at once,
// then after growing pauses, and when it is over. It must be used by one goroutine at a time.
type recurrence struct {
	burst int // number of first repetitions that are reported without a pause

	count int // occurrences since the trouble began; 0: no trouble
	last  time.Time
	next  time.Time // time of the next report
	pause time.Duration
}

// raise notes an occurrence of the trouble, and reports whether to report it.
func (a *recurrence) raise(now time.Time) bool {
	a.count++
	a.last = now
	switch {
	case a.count == 1:
		a.pause = recurrencePause
	case a.count <= 1+a.burst:
	case now.Before(a.next):
		return false
	default:
		a.pause = min(2*a.pause, recurrencePauseMax)
	}
	a.next = now.Add(a.pause)
	return true
}

// quiet reports whether there was no occurrence for longer than the pause.
func (a *recurrence) quiet(now time.Time) bool { return now.Sub(a.last) > a.pause }

// clear notes that the trouble is over, and returns the number of occurrences.
func (a *recurrence) clear() int {
	count := a.count
	*a = recurrence{burst: a.burst}
	return count
}
