package room

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// answerTime limits the time in which a manager must answer a question. A busy machine needs
// seconds.
const answerTime = time.Minute

// Ask runs a command that asks the manager something and changes nothing. It gives up after a
// minute, even if ctx has no end, because a manager may hang: openrc-run 0.56 does if a child
// of it ends too early. The error then wraps [platform.ErrTimeout].
//
// Commands that change something get the time that the change needs, from their caller.
func Ask(ctx context.Context, sys platform.System, argv ...string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, answerTime, fmt.Errorf("%w: no answer within %v", platform.ErrTimeout, answerTime))
	defer cancel()
	return sys.Run(ctx, argv...)
}
