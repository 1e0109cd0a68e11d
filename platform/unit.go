package platform

import (
	"fmt"
	"io/fs"
	"strings"
	"time"
)

// A Scope says whether a service belongs to the machine or to one user.
type Scope string

// The scopes. The zero value is invalid: a caller has to choose.
const (
	ScopeSystem Scope = "system" // started at boot, by the machine's manager
	ScopeUser   Scope = "user"   // started for one user, by that user's manager
)

// An ID identifies an installed service.
type ID struct {
	Name     string // of the service, for example "feedd"
	Instance string // distinguishes several instances of a service; empty if there is only one
	Scope    Scope
}

// String returns "name" or "name@instance". The PID file, the directories and the systemd unit
// (plus ".service") have this name.
func (id ID) String() string {
	if id.Instance == "" {
		return id.Name
	}
	return id.Name + "@" + id.Instance
}

// maxName is the longest name. With it, "name@instance.service.d" stays below NAME_MAX (255).
const maxName = 100

// CheckName returns an error unless s can be the name of a service or an instance on every
// platform. It allows only what every manager, file system and log accepts without escaping.
// systemd.unit(5) allows more; launchd labels and LSB names allow less.
func CheckName(s string) error {
	switch {
	case s == "":
		return fmt.Errorf("the name is empty: %w", ErrBadUnit)
	case len(s) > maxName:
		return fmt.Errorf("name %.20q... has %d characters, at most %d fit every platform: %w", s, len(s), maxName, ErrBadUnit)
	case strings.IndexFunc(s, outsideOfNames) >= 0 || strings.IndexByte("_.-", s[0]) >= 0:
		return fmt.Errorf("name %q: use letters, digits, '.', '_' and '-', beginning with a letter or digit: %w", s, ErrBadUnit)
	}
	return nil
}

func outsideOfNames(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '.' || r == '-')
}

// A Unit describes a service so that any Manager can install it. It is plain data, made from a
// validated service.Config. A zero field means the default from [Defaults], or leaves the
// choice to the manager, unless the field says otherwise.
type Unit struct {
	ID
	DisplayName string // for people; empty: the name
	Description string // one line
	Version     string // of the program, for information

	Exec   []string // the `run` command: the absolute path of the program, and its arguments
	Reload []string // command that requests a reload, waits, and exits with the outcome
	// Commands are further commands of the program, for managers that use scripts.
	Commands Commands
	// ConfigFile is the configuration file that Exec names; empty: none, or the usual one.
	ConfigFile string
	// Probes is where the service answers GET /livez and /readyz to other machines, HOST:PORT;
	// empty: nowhere.
	Probes string

	Env              map[string]string
	User, Group      string // empty: root, or the user of a user's service
	WorkingDirectory string // absolute; empty: the root directory
	RootDirectory    string // absolute; root directory of the service, in which all its paths lie; empty: the machine's
	Umask            *fs.FileMode
	RuntimeDir       string // absolute, if Exec names it too; empty: the manager makes its own
	StateDir         string // likewise
	// After, Requires and Wants name other services of this manager. Required and wanted
	// services are started with this one, before it. Without a required service this one does
	// not run.
	After, Requires, Wants []string
	StartType              StartType
	Activation             Activation
	NeedsNetwork           bool // start it when the network is up, as far as the manager can tell

	StartTimeout  time.Duration // until it is ready; restarts at each sign of progress
	StopTimeout   time.Duration // until our own forced exit; the manager kills later
	ReloadTimeout time.Duration
	Watchdog      time.Duration // 0: none

	Restart   Restart
	Limits    Limits
	Hardening Hardening
	Supervise bool // for SysV and OpenRC: a parent process of ours restarts the service, and keeps its sockets
	// Sockets are opened by the service. A manager that can keeps them open for the next
	// process of the service.
	Sockets []Socket `toml:"socket"`

	// Adopt lets Plan replace a definition that holdfast did not make. The old one is kept
	// beside the new one, and Removal restores it.
	Adopt bool
	// Claim lets Plan treat such a definition as one of holdfast's, as at a later install: it
	// is changed, the running service goes on, and Removal restores nothing.
	Claim bool

	// Settings that only one manager knows. All others ignore them.
	Systemd Systemd
	Launchd Launchd
	Windows Windows
	// Container is for the managers of containers.
	Container Container
}

// Commands are command lines of the program that act on this service without a manager, so
// that a manager's scripts may use them. A room appends flags. After these, Spawn and
// Supervise expect "--" and the command to run.
type Commands struct {
	Check  []string // exits with 0 if the configuration is valid
	Status []string // describes the holder of the name; has the exit codes of LSB
	Ready  []string // exits with 0 if the service is ready and no health check fails
	Stop   []string // stops the holder of the name, finally by force, and waits for its end

	// Await returns when the service that was started by --starter NAME is ready. It fails if
	// the process --pid N, or the one in --pid-file FILE, has ended.
	Await []string
	// Spawn sets up its own process as the flags say, and then executes the rest of the
	// command line: --user, --group, --groups, --umask, --directory, --nofile, --nproc,
	// --core, --nice, --no-new-privileges. The program gets only the environment variables in
	// --keep, and --path as its PATH, because scripts need variables of their own. --starter
	// NAME is what the service reports as its starter. --output FILE receives what the program
	// prints. With --ended FILE, Spawn does not start a service that ended in a way after
	// which the policy --restart does not restart it, and makes the supervisor that called it
	// give up.
	Spawn []string
	// Supervise runs the rest of the command line, and restarts it as --restart, --delay,
	// --max and --window say. With --lend N it runs nothing and keeps what the supervisor of
	// the service keeps while the process N lives. Spawn gets that from there if the variable
	// HOLDFAST_LENDER is N, and passes it on to the program. Standard output is closed when
	// it is kept.
	Supervise []string
}
