// Package handover executes a program that is to take over descriptors. Such a program wants its
// own PID in LISTEN_PID, see sd_listen_fds(3), and who starts a process does not know its PID
// before. So a new process first executes this program once more, which sets the variable and then
// executes the other one in its place, with the same arguments and environment.
//
// This happens before main, whose arguments these are not. It happens only in a process that was
// executed under the name [Name], which nobody gives to a program.
package handover

import (
	"os"
	"strconv"
	"syscall"
)

// Name is the zeroth argument of a process that is to hand over. The path of the other program and
// all its arguments, from the zeroth on, follow.
const Name = "holdfast-handover"

// exitFailed is the exit code of a shell that cannot execute a program that exists.
const exitFailed = 126

// This is the only effect of importing this package. It does not return in a process that hands over.
var _ = claim()

func claim() bool {
	if len(os.Args) < 3 || os.Args[0] != Name {
		return false
	}
	env := append(os.Environ(), "LISTEN_PID="+strconv.Itoa(os.Getpid()))
	err := syscall.Exec(os.Args[1], os.Args[2:], env)
	_, _ = os.Stderr.WriteString("execute " + os.Args[1] + ": " + err.Error() + "\n")
	os.Exit(exitFailed) //nolint:forbidigo // main would take the arguments for its own
	return false
}
