package openrc

import (
	"cmp"
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
	d := dialect().Draft(u)
	return d.Render(
		"@DESCRIPTION@", shell.Quote(d.Description()),
		"@DEPEND@", depend(d),
		"@RETRY@", fmt.Sprintf("TERM/%d/KILL/%d", seconds(u.StopTimeout+platform.StopMargin), lastRespite),
		"@RESPAWN@", respawn(u.Restart),
		"@SPAWN@", shell.Words(d.Spawn()),
		"@POLICY@", shell.Quote(string(cmp.Or(u.Restart.Policy, platform.RestartNever))),
		"@EXEC@", shell.Words(u.Exec),
		"@AWAIT@", shell.Words(d.Await()),
	)
}

// respawn is the restart policy as far as supervise-daemon knows one.
func respawn(restart platform.Restart) string {
	flags := []string{
		"--respawn-delay", strconv.Itoa(max(1, seconds(restart.Delay))),
		"--respawn-max", strconv.Itoa(restart.Max), // 0 is no limit there, too
	}
	if restart.Max > 0 && restart.Window > 0 {
		flags = append(flags, "--respawn-period", strconv.Itoa(max(1, seconds(restart.Window))))
	}
	return strings.Join(flags, " ")
}

// seconds is d, rounded up.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
