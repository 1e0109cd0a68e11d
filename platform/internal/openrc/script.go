package openrc

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/shell"
)

// lastRespite is how long a killed service may take to disappear, in seconds.
const lastRespite = 5

// Render returns the service script for u. It does not touch the machine, and its result is
// the same on every operating system. If settings cannot be honoured, the error wraps
// platform.ErrBadUnit and names all of them.
func Render(u platform.Unit) ([]byte, error) {
	d := dialect()
	run, places := daemon, []string{
		"@SUPERVISOR@", supervisedBy + "\n", "@COMMANDS@", "checkconfig", "@LEND@", "", "@STOPDAEMON@", "stop_daemon",
	}
	if u.Supervise {
		run, places = ownSupervisor, []string{
			"@SUPERVISOR@", ownMark + "\n", "@COMMANDS@", "'checkconfig report'",
			"@STOPDAEMON@", "! supervised || stop_daemon # of a script that was here before",
		}
	}
	d.Template = strings.Replace(template, "@RUN@\n", run+"\n", 1)
	s := d.Script(u)
	u = s.Unit
	spawn := s.Spawn()
	if u.Supervise {
		spawn = s.SpawnSupervisor()
		places = append(places, "@LEND@", "\t[ \"$RC_CMD\" != restart ] || "+s.Lend(`"$PPID"`)+"\n")
	}
	return s.Render(append(places,
		"@DESCRIPTION@", shell.Quote(s.Description()),
		"@DEPEND@", depend(s),
		"@RETRY@", fmt.Sprintf("TERM/%d/KILL/%d", seconds(u.StopTimeout+platform.StopMargin), lastRespite),
		"@RESPAWN@", respawn(u.Restart),
		"@SPAWN@", shell.Words(spawn),
		"@PIDFILE@", shell.Quote(s.PIDFile()),
		"@REFUSED@", strconv.Itoa(platform.ExitAlreadyRunning),
		"@POLICY@", shell.Quote(u.Restart.Rule()),
		"@EXEC@", shell.Words(u.Exec),
		"@AWAIT@", shell.Words(s.Await()),
	)...)
}

// Lines of scripts whose service is run by supervise-daemon, and by the supervisor of the
// program.
const (
	supervisedBy = "supervisor=supervise-daemon"
	ownMark      = "description_report='Tell in JSON what status tells'"
)

// respawn returns the flags for the part of the restart policy that supervise-daemon supports.
func respawn(restart platform.Restart) string {
	flags := []string{
		"--respawn-delay", strconv.Itoa(max(1, seconds(restart.Delay))),
		"--respawn-max", strconv.Itoa(max(0, restart.Max)), // for supervise-daemon, 0 means no limit
	}
	if restart.Max > 0 {
		flags = append(flags, "--respawn-period", strconv.Itoa(max(1, seconds(restart.Window))))
	}
	return strings.Join(flags, " ")
}

// seconds returns d in seconds, rounded up.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
