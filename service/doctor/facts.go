package doctor

import (
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

// Facts has what was found out about one service. All of it describes about the same moment. A
// zero field means that something is not the case, or that it was not found out.
type Facts struct {
	Service string // its name, with that of its instance
	Command Command
	Scope   platform.Scope
	Now     time.Time
	Unseen  []Unseen

	Life       Life
	Lock       Lock
	Others     []Process // of the same image, which run as a service without holding the lock
	Manager    Manager
	Definition Definition
	Config     Config
	Program    Program
	Dirs       []Dir
	Volumes    []Volume
	Clock      Clock
	Uses       []platform.Use // "open files", "memory", "tasks"
	Log        Log
	Work       *recovery.Work // in its journal; nil: it keeps none
	Upgrade    Upgrade
	Alarm      Alarm
}

// A Command says how to call the program.
type Command struct {
	Path  string // the program, and the commands above ours in its tree
	Flags string // after a verb, such as --config and --instance; empty: none
}

// Line returns the command line for a verb with its own flags.
func (c Command) Line(verb string) string {
	line := c.Path + " " + verb
	if c.Flags != "" {
		line += " " + c.Flags
	}
	return line
}

// An Unseen is something that could not be found out.
type Unseen struct {
	What string // "the processes of other users"
	Why  string
}

// Life is the state of the service, as merged from everything that knows it: see
// [state.Merge].
type Life struct {
	Known   bool // it is known whether the service runs
	Running bool
	// Suspended means that the process gets no processor time until somebody resumes it.
	Suspended bool
	Phase     platform.Phase
	Since     time.Time // when Phase began; zero: not known
	PID       int
	Exe       string
	// Stranger means that the process was not started by the manager of its installation.
	Stranger  bool
	StartedBy string
	Stale     time.Time // if the state file is older than what others know: its time

	LastExit *platform.Exit // of the run before this one
	EndedAt  time.Time
	Ending   string // LastExit, described for people
	LastRun  *state.Before
	// BadLastRun says why the record of the last run cannot be read.
	BadLastRun string
	Restarts   int
	Next       *platform.NextTry
	Again      string // who is about to restart it
	GaveUp     bool
	OnTrial    bool

	Health  []state.Health
	Reloads state.Reloads
	Stop    *state.StopProgress
	// StopTimeout limits the time of a stop.
	StopTimeout time.Duration
	// Window is the time in which restarts are counted.
	Window time.Duration
	// SupervisorGone means that the service runs without the supervisor that would restart it.
	SupervisorGone bool
	// Closed are the sockets of the configuration at which the ready process cannot be reached.
	Closed []Socket
}

// A Socket is one of [[service.socket]].
type Socket struct {
	Name, Listen string
	Why          string // why nobody can connect to it
	Reload       bool   // a reload opens it
}

// Down reports whether it is known that the service does not run.
func (l Life) Down() bool { return l.Known && !l.Running }

// Lock describes the lock file of the service and the files beside it.
type Lock struct {
	Unnamed bool   // the holder cannot be identified
	File    string // the lock file
	PIDFile string
	// PIDFileLeft says what is wrong with a PID file that belongs to no holder of the lock.
	PIDFileLeft string
	// PIDFileBlocked means that something else is at the path of the PID file, and no start
	// replaces it.
	PIDFileBlocked bool
	// PIDFileWrong says what is wrong with the PID file of the running process.
	PIDFileWrong string
	// StateFile is the file in which the running process writes its state. StateFileWrong says
	// why the file cannot be trusted; empty: it can.
	StateFile, StateFileWrong string
}

// A Process is an entry of the process table.
type Process struct {
	PID     int
	User    string
	Command string // its command line
	// Apart means that the process has another configuration or another user. It may be meant
	// to be a separate service.
	Apart bool
}

// Manager is what the manager says about the service.
type Manager struct {
	Name   string
	None   string // why there is no manager; empty: there is one
	Wanted bool   // --manager none was not asked for
	// Recorded means that an installation is on record, so the manager should know the
	// service.
	Recorded bool
	Silent   string // why it did not answer
	Enabled  bool
	AtLogin  bool // an enabled service starts only at login
	User     string
	// Trigger is about units that start the service for a connection; nil: none does.
	Trigger *platform.Trigger
	// Manual means that the configuration does not want a start at boot.
	Manual   bool
	Phase    platform.Phase
	PID      int
	Gone     bool // the process PID does not exist
	Examined platform.Examination
	// Missing lists what this manager does not do for the service and others do, a sentence
	// each.
	Missing []string
}

// Definition describes the manager's definition of the service, and what holdfast has
// recorded.
type Definition struct {
	Installed bool
	Found     *platform.Definition // nil: none
	Refused   string               // why our commands do not act on it; empty: it is ours
	Changes   []string             // files that an install would change, or their settings
	Keys      []string             // settings that cause these changes, as far as known
	Lines     []string             // the changes, described for people
	// Unfit lists the reasons why an install would refuse the configuration.
	Unfit []string
	// Old means that the running process was started by a definition older than the last
	// install.
	Old     bool
	Restart []string // changed keys that take effect at a start
	Reload  []string // changed keys that take effect at a reload

	OtherManager  string // another manager that has it installed
	OtherScope    platform.Scope
	OtherFound    string // what exists in OtherScope; empty: nothing
	Interrupted   string // an install or uninstall was interrupted
	Underway      string // an install or uninstall is running
	BadRecord     string // why the record of the installation cannot be used
	RecordFile    string
	InstanceNames []string // if the service exists only as instances
}

// Config describes the configuration.
type Config struct {
	File     string
	Problems []Problem // that keep the service from starting
	Warnings []Problem // that install prints
	// Closed says why the service's user cannot read it.
	Closed string
	// Allow is the command that makes it readable; empty: there is none.
	Allow string
	// Writable says who else could change the file. Tighten is the command that prevents this.
	Writable, Tighten string
	// InForce is the configuration file of the running process, if that is another one.
	InForce string
}

// A Problem is one place in the configuration.
type Problem struct {
	Text string // file, line, key and what is wrong
	Key  string
	Line int
	// Kind says what is missing, if a command could add it: "user", "group" or "directory".
	Kind string
	Name string // of that user, group or directory
}

// Program is the file that the manager starts.
type Program struct {
	Path     string
	Gone     bool
	Newer    bool   // than the running one
	Closed   string // why the service's user cannot execute it; empty: it can
	Allow    string // the command that makes it executable; empty: there is none
	Writable string // who else could change it
	Tighten  string // the command that prevents this; empty: there is none
	// Tolerated means that Writable was accepted at the install.
	Tolerated bool
}

// Dir is one of the service's directories.
type Dir struct {
	Role    string // "runtime", "state", "log"
	Path    string
	Missing bool
	NotDir  bool
	// Owner is the owner, and Wanted is the required owner. They are equal if it does not
	// matter.
	Owner, Wanted string
	Closed        string // why the service's user cannot write there; empty: it can, or this is unknown
	Open          string // who else could change what is in it
}

// A Volume is a file system with a directory of the service.
type Volume struct {
	Path        string // one of the directories
	Roles       []string
	Size, Free  uint64 // bytes; Free is for the service's user
	Files, Left uint64 // inodes; Files is 0 if the file system does not count them
	ReadOnly    bool
	NoExec      bool   // programs on it cannot be executed
	Mount       string // where it is mounted; empty: not known
}

// Clock is the clock of the machine.
type Clock struct {
	// Ahead is the latest time in a record of ours, if it is in the future. Of names that
	// record.
	Ahead time.Time
	Of    string
	// Jump is by how much the wall clock was set since the running process was started: its
	// start time by the wall clock, less its start time by the monotonic clock.
	Jump time.Duration
}

// Log describes the end of the service's log, and its destination.
type Log struct {
	Sink        string   // "journald", "syslog", "file", ...
	Unreachable string   // why nothing reaches it
	Allow       string   // the command that makes it reachable; empty: there is none
	Lines       []string // the last lines, if the service fails
	// Since has the lines since the last start, or none if the log cannot tell.
	Since   []string
	Command string // that shows the log
}

// Upgrade describes the last upgrade.
type Upgrade struct {
	OnTrial     string // the version on trial; empty: none
	By          string
	Step        string
	Interrupted bool // the process that conducted it is gone
	// RolledBack is the version that failed at At, for Reason.
	RolledBack string
	Reason     string
	At         time.Time
	Unreadable string // why the record cannot be read
}

// Alarm describes the queue of alarms.
type Alarm struct {
	Waiting int       // number of alarms that nobody has taken yet
	Since   time.Time // time of the oldest of them
	Error   string    // of the last attempt, if it failed
	Dropped int       // number of alarms dropped since the last delivery
}
