package platform

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// Scope says whose service it is: the machine's or one user's.
type Scope string

// The two scopes. The zero value is not a scope: a caller decides.
const (
	ScopeSystem Scope = "system" // started at boot, by the machine's manager
	ScopeUser   Scope = "user"   // started for one user, by that user's manager
)

// ID names one installed service.
type ID struct {
	Name     string // the service, for example "feedd"
	Instance string // one of several of the same service; empty for the only one
	Scope    Scope
}

// String is "name" or "name@instance": the name of its PID file, its
// directories and, with ".service" behind it, its systemd unit.
func (id ID) String() string {
	if id.Instance == "" {
		return id.Name
	}
	return id.Name + "@" + id.Instance
}

// Longest name: with "name@instance.service.d" it stays below NAME_MAX (255).
const maxName = 100

// CheckName tells whether s can be a service or instance name on every platform:
// what every manager, file system and log accepts unescaped. systemd.unit(5)
// allows more, launchd labels and LSB names less.
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

// Unit describes a service so that any Manager can install it. It is plain
// data, made from a validated service.Config; a zero field means that the
// manager's own default holds, unless the field says otherwise.
type Unit struct {
	ID
	DisplayName string // for people; the name where empty
	Description string // one line
	Version     string // of the program; informative

	Exec   []string // absolute program path and its arguments: the `run` command
	Reload []string // a command that asks for a reload, waits, and exits with its outcome
	Own    Commands // further commands of the program, for managers that leave such things to scripts

	Env              map[string]string
	User, Group      string       // empty: root, or the user of a user-scope unit
	WorkingDirectory string       // absolute; empty: the root directory
	Umask            *fs.FileMode // nil: 0027
	RuntimeDir       string       // absolute, where Exec was told so; empty: the manager makes its own
	StateDir         string       // likewise
	After, Requires  []string     // names of other services on this manager

	StartTimeout  time.Duration // to readiness, between two signs of progress
	StopTimeout   time.Duration // our own forced exit; the manager's kill comes after it
	ReloadTimeout time.Duration
	Watchdog      time.Duration // 0: none

	Restart   Restart
	Limits    Limits
	Hardening Hardening
	Supervise bool // for managers that restart nothing: a parent of our own does

	Systemd SystemdOptions
}

// Commands are command lines of the program about this very service that go
// around every manager, so that a manager's script may use them. A room may add
// flags at the end; behind those, Spawn and Supervise want "--" and what they
// are to run.
type Commands struct {
	Check  []string // tells whether the configuration can be used
	Status []string // describes whoever holds the name; the exit code is LSB's
	Stop   []string // stops whoever holds the name, by force in the end, and returns when it is gone

	// Await returns when the service that --starter NAME started is ready, and
	// fails when the process --pid N, or the one in --pid-file FILE, has ended.
	Await []string
	// Spawn becomes the service's user, with its limits, umask and directory,
	// then executes the rest of the line, with Env's variables out of its own
	// environment; PATH, which scripts need themselves, is in the command. --starter NAME is who the service will
	// say has started it, --output FILE takes what it prints. With --ended FILE
	// it leaves alone a service that ended in a way that its restart policy
	// does not follow, and has the supervisor that asks for it give up.
	Spawn []string
	// Supervise runs the rest of the line and starts it again as the restart
	// policy says.
	Supervise []string
}

// RestartPolicy says when a manager brings a service back.
type RestartPolicy string

// The restart policies. Exit codes 75, 77 and 78 never lead to a restart,
// whatever the policy: the next try would end the same way.
const (
	RestartOnFailure RestartPolicy = "on-failure"
	RestartAlways    RestartPolicy = "always"
	RestartNever     RestartPolicy = "never"
)

// Follows tells whether the policy has the service started again after it ended
// by itself with that exit code; -1 is the death by a signal.
func (p RestartPolicy) Follows(code int) bool {
	switch {
	case slices.Contains(ExitsForGood(), code):
		return false
	case p == RestartAlways:
		return true
	}
	return p == RestartOnFailure && code != ExitOK
}

// Restart is the restart policy with its start limit: at most Max restarts
// within Window, each Delay after the end of the last.
type Restart struct {
	Policy RestartPolicy
	Delay  time.Duration
	Max    int // 0: no limit
	Window time.Duration
}

// Limits bound what the service may use. Zero is unlimited, or the manager's default.
type Limits struct {
	NoFile uint64 // open files
	NProc  uint64 // processes of the user
	Core   *uint64
	Memory uint64 // bytes, of the whole service where the platform can
	Tasks  uint64 // threads and processes of the whole service
	CPU    uint64 // percent of one processor
	Nice   int
}

// Hardening takes away what the service does not need. Each switch is on in a
// unit made from a Config's defaults; here, as plain data, false is off.
type Hardening struct {
	NoNewPrivileges   bool     // no gain by setuid programs
	ProtectSystem     bool     // the whole file system read-only, but for the service's own directories
	ProtectHome       bool     // no access to home directories
	PrivateTmp        bool     // a /tmp of its own
	PrivateDevices    bool     // no physical devices
	ProtectKernel     bool     // tunables, modules, logs, control groups, clock, host name
	ProtectProc       bool     // no sight of other users' processes
	RestrictNetwork   bool     // IPv4, IPv6, netlink and unix sockets only
	RestrictSyscalls  bool     // the system calls of an ordinary service only
	MemoryDenyWrite   bool     // no memory both writable and executable
	Capabilities      []string // those it keeps; none by default; "all": none is taken from root
	ReadWritePaths    []string // exceptions from ProtectSystem
	SupplementaryGrps []string // further groups
}

// SystemdOptions is what only systemd knows.
type SystemdOptions struct {
	Extra    []string // lines added to [Service] as they are, "Key=value" each
	WantedBy string   // empty: multi-user.target, default.target for a user unit
	Version  int      // of the systemd that will read the unit; 0: this machine's, or any
}
