package supervise

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/holdfast-dev/holdfast/platform"
)

// Spawn says what a process is to become. The zero value of a field leaves what
// the process has, unless the field says otherwise.
type Spawn struct {
	Argv []string // absolute path of the program, and its arguments

	User   string   // name or number; with its own group, further groups, HOME, USER, LOGNAME and SHELL
	Group  string   // instead of the user's own
	Groups []string // besides the user's own

	Umask           fs.FileMode
	Nice            int
	NoFile, NProc   uint64
	Core            *uint64
	NoNewPrivileges bool

	Directory string   // empty: /
	Output    string   // file to which standard output and standard error are appended
	Keep      []string // variables of the environment to keep, besides the service's directories
	Path      string   // PATH; empty: the usual directories
	Starter   string   // who the service says has started it

	// Sourced is a file of shell commands that change the environment, executed as who
	// calls, as init scripts have it in /etc/sysconfig or /etc/default: what it exports
	// the service gets. One that is not there changes nothing.
	Sourced string

	// Ended is a file that remembers how the service ended, in a directory that
	// only root can write to. It makes up for a supervisor that restarts
	// whatever ends: after an end that Restart does not follow, that one gets a
	// SIGTERM instead of a service. Empty: there is no such supervisor.
	Ended   string
	Restart platform.Restart // its policy and exit codes
}

// ForGoodError means that the service was not started again, because of how it
// had ended. Code is its exit code, -1 if it left none.
type ForGoodError struct{ Code int }

func (e *ForGoodError) Error() string {
	if e.Code < 0 {
		return "it ended without an exit code, which its restart policy does not follow"
	}
	return fmt.Sprintf("it ended with exit code %d, which its restart policy does not follow", e.Code)
}

// ErrImpossible means that this machine does not have what the service is to be or
// to use: a user, a directory, a limit. It will not have it the next time either.
var ErrImpossible = errors.New("cannot be had on this machine")

// errNotSupervised: only a supervise-daemon is told to give up.
var errNotSupervised = errors.New("its parent is no supervise-daemon")

// maxOutput is the size from which a new start begins a new file, and keeps the
// one before as NAME.old.
const maxOutput = 10 << 20

// Exec turns this process into the service; it only returns an error. The
// process gets a session of its own, ignores SIGHUP until the service handles
// it, and is rid of the environment that it was called with. Only root can
// become another user, or go beyond its own limits.
//
// The order is such that everything is done with the fewest rights that
// suffice: Output is opened, and Directory entered, as the user.
func (s Spawn) Exec() error { return s.exec() }
