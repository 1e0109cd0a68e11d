package supervise

import (
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// Budget returns a function that takes restarts from a new budget.
func Budget(r platform.Restart) func(time.Time) bool { return (&budget{restart: r}).take }

// MaxOutput is the size at which a new file begins.
const MaxOutput = maxOutput
