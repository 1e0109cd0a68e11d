package platform

import (
	"fmt"
	"io/fs"
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

// CheckName reports whether s can be a service or instance name on every platform:
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
// data, made from a validated service.Config; a zero field has the value of
// [Defaults], or leaves the matter to the manager, unless the field says otherwise.
type Unit struct {
	ID
	DisplayName string // for people; the name where empty
	Description string // one line
	Version     string // of the program; informative

	Exec   []string // absolute program path and its arguments: the `run` command
	Reload []string // a command that asks for a reload, waits, and exits with its outcome
	// Commands are further commands of the program, for managers that leave such
	// things to scripts.
	Commands Commands

	Env              map[string]string
	User, Group      string // empty: root, or the user of a user-scope unit
	WorkingDirectory string // absolute; empty: the root directory
	RootDirectory    string // absolute; what the service has for its root directory, and all its paths lie in; empty: the machine's
	Umask            *fs.FileMode
	RuntimeDir       string // absolute, where Exec was told so; empty: the manager makes its own
	StateDir         string // likewise
	// After, Requires and Wants are names of other services on this manager. What is
	// required or wanted is started with the service and before it; it cannot be
	// without what it requires.
	After, Requires, Wants []string
	StartType              StartType
	NeedsNetwork           bool // it starts when there is a network, as far as somebody can tell

	StartTimeout  time.Duration // to readiness, between two signs of progress
	StopTimeout   time.Duration // our own forced exit; the manager's kill comes after it
	ReloadTimeout time.Duration
	Watchdog      time.Duration // 0: none

	Restart   Restart
	Limits    Limits
	Hardening Hardening
	Supervise bool // for managers that restart nothing: a parent of our own does

	// Adopt has Plan put the unit in the place of a definition that holdfast did not
	// make. The old one is kept beside it, and put back by Removal.
	Adopt bool
	// Claim has Plan take such a definition for one of holdfast's, as at any later
	// install: it is changed, what runs goes on, and Removal puts nothing back.
	Claim bool

	// What only one manager knows, and all others leave out.
	Systemd Systemd
	Launchd Launchd
	Windows Windows
}

// Commands are command lines of the program about this very service that go
// around every manager, so that a manager's script may use them. A room adds
// flags at the end; behind those, Spawn and Supervise want "--" and what they
// are to run.
type Commands struct {
	Check  []string // exits with 0 if the configuration can be used
	Status []string // describes whoever holds the name; the exit code is LSB's
	Stop   []string // stops whoever holds the name, by force in the end, and returns when it is gone

	// Await returns when the service that --starter NAME started is ready, and
	// fails when the process --pid N, or the one in --pid-file FILE, has ended.
	Await []string
	// Spawn becomes what its flags say, then executes the rest of the line: --user,
	// --group, --groups, --umask, --directory, --nofile, --nproc, --core, --nice,
	// --no-new-privileges. Of its own environment the program gets the variables
	// in --keep, and --path as PATH, which scripts need themselves. --starter NAME
	// is who the service will say has started it, --output FILE takes what it
	// prints. With --ended FILE it leaves alone a service that ended in a way that
	// the policy --restart does not follow, and has the supervisor that asks for
	// it give up.
	Spawn []string
	// Supervise runs the rest of the line and starts it again as --restart,
	// --delay, --max and --window say.
	Supervise []string
}
