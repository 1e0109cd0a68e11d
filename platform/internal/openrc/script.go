package openrc

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/shell"
)

// lastRespite is how long a killed service may take to go.
const lastRespite = 5

// Render gives the text of the service script for u. It touches nothing and is
// the same on every operating system. What cannot be honoured is an error that
// wraps platform.ErrBadUnit and names every field concerned.
func Render(u platform.Unit) ([]byte, error) {
	s := dialect().Script(u)
	u = s.Unit
	return s.Render(
		"@DESCRIPTION@", shell.Quote(s.Description()),
		"@DEPEND@", depend(s),
		"@RETRY@", fmt.Sprintf("TERM/%d/KILL/%d", seconds(u.StopTimeout+platform.StopMargin), lastRespite),
		"@RESPAWN@", respawn(u.Restart),
		"@SPAWN@", shell.Words(s.Spawn()),
		"@POLICY@", shell.Quote(u.Restart.Rule()),
		"@EXEC@", shell.Words(u.Exec),
		"@AWAIT@", shell.Words(s.Await()),
	)
}

// respawn is the restart policy as far as supervise-daemon knows one.
func respawn(restart platform.Restart) string {
	flags := []string{
		"--respawn-delay", strconv.Itoa(max(1, seconds(restart.Delay))),
		"--respawn-max", strconv.Itoa(max(0, restart.Max)), // 0 is no limit there
	}
	if restart.Max > 0 {
		flags = append(flags, "--respawn-period", strconv.Itoa(max(1, seconds(restart.Window))))
	}
	return strings.Join(flags, " ")
}

// seconds is d, rounded up.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
