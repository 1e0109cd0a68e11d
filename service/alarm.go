package service

import "time"

// An alarm that lasts is repeated after alarmPause, and then after twice as long
// each time, up to alarmPauseMax.
const (
	alarmPause    = time.Minute
	alarmPauseMax = time.Hour
)

// alarm keeps trouble that comes again and again from flooding the log: it is
// told at once, then after pauses that grow, and when it is over. One goroutine
// at a time uses it.
type alarm struct {
	burst int // of the first times, how many more are told without a pause

	count int // times since it began; 0: all is well
	last  time.Time
	next  time.Time // when it is told again
	pause time.Duration
}

// raise notes that the trouble is there, and reports whether to tell of it.
func (a *alarm) raise(now time.Time) bool {
	a.count++
	a.last = now
	switch {
	case a.count == 1:
		a.pause = alarmPause
	case a.count <= 1+a.burst:
	case now.Before(a.next):
		return false
	default:
		a.pause = min(2*a.pause, alarmPauseMax)
	}
	a.next = now.Add(a.pause)
	return true
}

// quiet reports whether nothing has come for longer than the pause.
func (a *alarm) quiet(now time.Time) bool { return now.Sub(a.last) > a.pause }

// clear notes that the trouble is over, and returns how often it was raised.
func (a *alarm) clear() int {
	count := a.count
	*a = alarm{burst: a.burst}
	return count
}
