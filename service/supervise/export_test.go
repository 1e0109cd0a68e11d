package supervise

import (
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// Budget counts restarts for a policy.
func Budget(r platform.Restart) func(time.Time) bool { return (&budget{restart: r}).take }

// MaxOutput is when a new file is begun.
const MaxOutput = maxOutput
