package sysv

import (
	"cmp"
	"path"
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
	restart, actions := restarts(s)
	return s.Render(
		"@RESTART@", restart, "@ACTIONS@", actions,
		"@HEADER@", header(s),
		"@NAME@", shell.Quote(u.ID.String()),
		"@PROGRAM@", shell.Words(u.Exec[:min(1, len(u.Exec))]),
		"@ANEW@", anew(u),
		"@AWAIT@", shell.Words(s.Await()),
		"@PIDFILE@", shell.Quote(path.Join(cmp.Or(u.RuntimeDir, "/run/"+u.ID.String()), u.ID.String()+".pid")),
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

// restarts is how the script restarts, and the names of further actions. What a supervisor
// keeps goes from the old one to the new: a command takes it and calls the script anew.
func restarts(s *initd.Script) (text, actions string) {
	const plain = "\tstop && start\n"
	if !s.Unit.Supervise || len(s.Unit.Sockets) == 0 {
		return plain, ""
	}
	carry := append(s.Unit.Commands.Supervise[:len(s.Unit.Commands.Supervise):len(s.Unit.Commands.Supervise)], "--carry", "--", initd.Path(s.Unit.ID), "carried")
	return "\texec " + shell.Words(carry) + "\n}\n\n# With the sockets in hand that the supervisor has kept.\ncarried() {\n" + plain, " | carried"
}

// spawn returns the command line that becomes the service or its supervisor.
func spawn(s *initd.Script) []string {
	argv := append(s.Spawn(), "--")
	if s.Unit.Supervise {
		argv = append(append(argv, s.Supervise()...), "--")
	}
	return append(argv, s.Unit.Exec...)
}
