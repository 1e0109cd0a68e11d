package service

import "time"

// Trouble that lasts is repeated after recurrencePause, and then after twice as long
// each time, up to recurrencePauseMax.
const (
	recurrencePause    = time.Minute
	recurrencePauseMax = time.Hour
)

// recurrence keeps trouble that comes again and again from flooding the log: it is
// told at once, then after pauses that grow, and when it is over. One goroutine
// at a time uses it.
type recurrence struct {
	burst int // of the first times, how many more are told without a pause

	count int // times since it began; 0: all is well
	last  time.Time
	next  time.Time // when it is told again
	pause time.Duration
}

// raise notes that the trouble is there, and reports whether to tell of it.
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

// quiet reports whether nothing has come for longer than the pause.
func (a *recurrence) quiet(now time.Time) bool { return now.Sub(a.last) > a.pause }

// clear notes that the trouble is over, and returns how often it was raised.
func (a *recurrence) clear() int {
	count := a.count
	*a = recurrence{burst: a.burst}
	return count
}
