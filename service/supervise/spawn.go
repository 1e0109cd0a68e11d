package supervise

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/holdfast-dev/holdfast/platform"
)

// Spawn says what a process is to become. If a field is zero, the process keeps what it has,
// unless the field says otherwise.
type Spawn struct {
	Argv []string // absolute path of the program, and its arguments

	User   string   // name or number; brings its group, further groups, HOME, USER and LOGNAME
	Group  string   // instead of the user's own
	Groups []string // besides the user's own

	Umask           fs.FileMode
	Nice            int
	NoFile, NProc   uint64
	Core            *uint64
	NoNewPrivileges bool

	Directory string   // empty: /
	Output    string   // file to which standard output and standard error are appended
	Keep      []string // environment variables to keep, besides those of the service's directories
	Path      string   // PATH; empty: the usual directories
	Starter   string   // what the service names as its starter

	// Sourced is a file of shell commands that change the environment, like those of init
	// scripts in /etc/sysconfig or /etc/default. It is executed as the caller. The service
	// gets what it exports. A file that does not exist changes nothing.
	Sourced string

	// Ended is a file that remembers how the service ended, in a directory that only root can
	// write to. It is for a supervisor that restarts the service after every end. After an end
	// that Restart does not follow, that supervisor gets a SIGTERM, and the service is not
	// started. It is empty if there is no such supervisor.
	Ended   string
	Restart platform.Restart // its policy and exit codes
}

// A ForGoodError means that the service was not restarted, because of how it had ended. Code
// is its exit code, or -1 if it left none.
type ForGoodError struct{ Code int }

func (e *ForGoodError) Error() string {
	if e.Code < 0 {
		return "it ended without an exit code, which its restart policy does not follow"
	}
	return fmt.Sprintf("it ended with exit code %d, which its restart policy does not follow", e.Code)
}

// ErrImpossible means that this machine lacks something that the service needs: a user, a
// directory, a limit. Another attempt will fail too.
var ErrImpossible = errors.New("is not available on this machine")

// errNotSupervised means that the parent is not told to give up, because it is no
// supervise-daemon.
var errNotSupervised = errors.New("its parent is not a supervise-daemon")

// maxOutput is the size at which the next start begins a new file. The old one is kept as
// NAME.old.
const maxOutput = 10 << 20

// Exec turns this process into the service. It returns only with an error. The process gets
// its own session, ignores SIGHUP until the service handles it, and loses the environment of
// its caller. Only root can become another user or exceed its own limits.
//
// Everything is done with the fewest rights that suffice: Output is opened, and Directory
// entered, as the user.
func (s Spawn) Exec() error { return s.exec() }
