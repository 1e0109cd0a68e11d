package supervise

import (
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// A budget counts restarts against the limit of a policy: at most Max within Window.
type budget struct {
	restart platform.Restart
	past    []time.Time // of the restarts that still count, oldest first
}

// take reports whether the service may be started again now, and counts it if so.
func (b *budget) take(now time.Time) bool {
	if b.restart.Max < 0 {
		return true
	}
	for len(b.past) > 0 && b.restart.Window > 0 && now.Sub(b.past[0]) >= b.restart.Window {
		b.past = b.past[1:]
	}
	if len(b.past) >= b.restart.Max {
		return false
	}
	b.past = append(b.past, now)
	return true
}
