package sysv

import (
	"strconv"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/initd"
	"github.com/holdfast-dev/holdfast/platform/internal/shell"
)

// Render returns the init script for u. It does not touch the machine, and its result is the
// same on every operating system. If settings cannot be honoured, the error wraps
// platform.ErrBadUnit and names all of them.
func Render(u platform.Unit) ([]byte, error) {
	s := dialect().Script(u)
	return s.Render(
		"@LEND@", lend(s),
		"@HEADER@", header(s),
		"@NAME@", shell.Quote(u.ID.String()),
		"@PROGRAM@", shell.Words(u.Exec[:min(1, len(u.Exec))]),
		"@ANEW@", anew(u),
		"@AWAIT@", shell.Words(s.Await()),
		"@PIDFILE@", shell.Quote(s.PIDFile()),
		"@REFUSED@", strconv.Itoa(platform.ExitAlreadyRunning),
		"@SPAWN@", shell.Words(spawn(s)),
		"@SUBSYS@", shell.Quote("/var/lock/subsys/"+u.ID.String()),
	)
}

// anew returns the code that makes a supervisor which waits before a restart give way to one
// that starts the service now.
func anew(u platform.Unit) string {
	if !u.Supervise {
		return ""
	}
	return "\t# A supervisor may be waiting to start it again.\n\tleft=$(stop 2>&1) || { echo \"$left\" >&2; return 1; }\n"
}

// lend returns the code that keeps the sockets and files of a supervisor for the one that a restart
// starts.
func lend(s *initd.Script) string {
	if !s.Unit.Supervise {
		return ""
	}
	return "\t# The next supervisor gets the sockets of this one from who lends them.\n" +
		"\t" + s.Lend("$$") + "\n\tHOLDFAST_LENDER=$$\n\texport HOLDFAST_LENDER\n"
}

// spawn returns the command line that becomes the service or its supervisor.
func spawn(s *initd.Script) []string {
	if s.Unit.Supervise {
		return s.SpawnSupervisor()
	}
	return append(append(s.Spawn(), "--"), s.Unit.Exec...)
}
