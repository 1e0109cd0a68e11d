package doctor

import (
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

// Facts are what was found out about one service. All are of about one moment; zero is
// what is not so, or was not found out.
type Facts struct {
	Service string // its name, with that of its instance
	Command Command
	Scope   platform.Scope
	Now     time.Time
	Unseen  []Unseen

	Life       Life
	Lock       Lock
	Others     []Process // of the same image, which run as a service and do not hold the lock
	Manager    Manager
	Definition Definition
	Config     Config
	Program    Program
	Dirs       []Dir
	Volumes    []Volume
	Clock      Clock
	Uses       []platform.Use // "open files", "memory", "tasks"
	Log        Log
	Work       *recovery.Work // of its journal; nil: it keeps none
	Upgrade    Upgrade
	Alarm      Alarm
}

// Command is how whoever asks calls the program.
type Command struct {
	Path  string // the program, and the commands that lead to ours
	Flags string // behind a verb: such as --config and --instance; empty: none
}

// Line is the command line for a verb and its own flags.
func (c Command) Line(verb string) string {
	line := c.Path + " " + verb
	if c.Flags != "" {
		line += " " + c.Flags
	}
	return line
}

// Unseen is something that could not be found out.
type Unseen struct {
	What string // "the processes of other users"
	Why  string
}

// Life is where the service stands, by all who know of it: see [state.Merge].
type Life struct {
	Known   bool // whether it runs is known at all
	Running bool
	// Suspended: its process does not get to run, until somebody lets it go on.
	Suspended bool
	Phase     platform.Phase
	Since     time.Time // when Phase began; zero: not known
	PID       int
	Exe       string
	// Stranger: it was not started by the manager that has it installed.
	Stranger  bool
	StartedBy string
	Stale     time.Time // the state file is behind what others know, and is of then

	LastExit *platform.Exit // of the run before this one
	EndedAt  time.Time
	Ending   string // LastExit, for people
	LastRun  *state.Before
	// BadLastRun is why the record of the last run cannot be read.
	BadLastRun string
	Restarts   int
	Next       *platform.NextTry
	Again      string // who is about to start it again
	GaveUp     bool
	OnTrial    bool

	Health  []state.Health
	Reloads state.Reloads
	Stop    *state.StopProgress
	// StopTimeout is within what its stop has to be over.
	StopTimeout time.Duration
	// Window is the time in which restarts are counted.
	Window time.Duration
	// SupervisorGone: it runs, and the supervisor that would start it again does not.
	SupervisorGone bool
}

// Down reports whether it is known that nobody runs.
func (l Life) Down() bool { return l.Known && !l.Running }

// Lock is the service's lock and the files beside it.
type Lock struct {
	Unnamed bool   // somebody holds it who cannot be identified
	File    string // the lock
	PIDFile string
	// PIDFileLeft says what is wrong with a PID file that nobody's lock goes with.
	PIDFileLeft string
	// PIDFileBlocked: what is in the place of the PID file is none, and no start replaces it.
	PIDFileBlocked bool
	// PIDFileWrong says what is wrong with the PID file of the process that runs.
	PIDFileWrong string
	// StateFile is the file in which the process that runs says how it is, and
	// StateFileWrong why it cannot be believed; empty: it can.
	StateFile, StateFileWrong string
}

// Process is one of the process table.
type Process struct {
	PID     int
	User    string
	Command string // its command line
	// Apart: it has another configuration, or belongs to another user: it may be meant to
	// be a service of its own.
	Apart bool
}

// Manager is what the manager says of the service.
type Manager struct {
	Name   string
	None   string // why there is none; empty: there is one
	Wanted bool   // --manager none was not asked for
	// Recorded: an installation was written down, so it ought to know the service.
	Recorded bool
	Silent   string // why it gave no answer
	Enabled  bool
	AtLogin  bool // what is enabled starts at login only
	User     string
	// Manual: the configuration does not want it to be started at boot.
	Manual   bool
	Phase    platform.Phase
	PID      int
	Gone     bool // the process that it names does not exist
	Examined platform.Examination
	// Missing is what it does not do for the service that others do, a sentence each.
	Missing []string
}

// Definition is what the manager has the service by, and what holdfast has recorded.
type Definition struct {
	Installed bool
	Found     *platform.Definition // nil: none
	Refused   string               // why no verb of ours acts on it; empty: it is ours
	Changes   []string             // files that an install would change, or what in them
	Keys      []string             // settings that are behind them, as far as they are known
	Lines     []string             // of the changes, for people
	// Unfit are reasons for which an install would refuse what the configuration says.
	Unfit []string
	// Old: what runs was started by a definition of before the last install.
	Old     bool
	Restart []string // keys that what runs takes when it starts
	Reload  []string // keys that it takes by a reload

	OtherManager  string // that has it installed as well
	OtherScope    platform.Scope
	OtherFound    string // what there is in OtherScope; empty: nothing
	Interrupted   string // an install or uninstall was cut off
	Underway      string // an install or uninstall is at work
	BadRecord     string // why the record of the installation cannot be used
	RecordFile    string
	InstanceNames []string // of a service that is there only as instances
}

// Config is the configuration.
type Config struct {
	File     string
	Problems []Problem // for which the service could not start
	Warnings []Problem // of what install warns
	// Closed is why the service's user cannot read it.
	Closed string
	// Allow is the command that lets it; empty: there is none.
	Allow string
	// Writable says who else could change it, and Tighten is the command that keeps them from it.
	Writable, Tighten string
	// InForce is the file of the process that runs, if that is another one.
	InForce string
}

// Problem is one place in the configuration.
type Problem struct {
	Text string // file, line, key and what is wrong
	Key  string
	Line int
	// Kind is what a command could mend: "user", "group" or "directory" is missing; else empty.
	Kind string
	Name string // of the user, the group, or the directory
}

// Program is the file that the manager starts.
type Program struct {
	Path     string
	Gone     bool
	Newer    bool   // than the one that runs
	Closed   string // why the service's user cannot execute it
	Allow    string // the command that lets it; empty: there is none
	Writable string // who else could change it
	Tighten  string // the command that keeps them from it; empty: there is none
	// Tolerated: Writable was accepted at the install.
	Tolerated bool
}

// Dir is one of the service's directories.
type Dir struct {
	Role    string // "runtime", "state", "log"
	Path    string
	Missing bool
	NotDir  bool
	// Owner is whose it is, and Wanted whose it has to be; equal where it does not matter.
	Owner, Wanted string
	Closed        string // why the service's user cannot write there; empty: it can, or it is not known
	Open          string // who else could change what is in it
}

// Volume is a file system on which a directory of the service lies.
type Volume struct {
	Path        string // one of the directories
	Roles       []string
	Size, Free  uint64 // bytes; Free for whom the service runs as
	Files, Left uint64 // inodes; Files 0: it does not count them
	ReadOnly    bool
	NoExec      bool   // no program on it can be executed
	Mount       string // where it is mounted; empty: not known
}

// Clock is the clock of the machine.
type Clock struct {
	// Ahead is the latest time that a record of ours names, if it is after now, and Of
	// what it is.
	Ahead time.Time
	Of    string
	// Jump is by how much the wall clock was set since the process that runs was started:
	// what its start is by the wall clock, less what it is by the clock that is never set.
	Jump time.Duration
}

// Log is the end of the service's log, and where it goes to.
type Log struct {
	Sink        string   // "journald", "syslog", "file", ...
	Unreachable string   // why nothing gets there
	Allow       string   // the command that has it get there; empty: there is none
	Lines       []string // the last ones, of a service that fails
	// Since are the lines since the last start; none where the log cannot tell them.
	Since   []string
	Command string // that shows it
}

// Upgrade is the last upgrade.
type Upgrade struct {
	OnTrial     string // the version that is being tried; empty: none
	By          string
	Step        string
	Interrupted bool // whoever conducted it is gone
	// RolledBack is the version that has failed, and Reason why, at At.
	RolledBack string
	Reason     string
	At         time.Time
	Unreadable string // why the record cannot be read
}

// Alarm is the queue of alarms.
type Alarm struct {
	Waiting int       // that nobody has taken yet
	Since   time.Time // the oldest of them
	Error   string    // of the last try, if that failed
	Dropped int       // since one was last delivered
}
