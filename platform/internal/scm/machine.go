package scm

// A Machine is the SCM with its database, and the other parts of Windows that belong to a
// service. Each call requests the least rights that it needs. If Windows refuses a call, the
// error is a [*CallError]. On other systems it is errors.ErrUnsupported.
type Machine interface {
	// Query returns the status of a service. Ordinary users may do this.
	Query(name string) (Status, error)
	// Config returns the registration of a service.
	Config(name string) (Registration, error)
	Create(r Registration) error
	// Change changes an existing service to the registration r. Nothing of the old one stays.
	Change(r Registration) error
	// Delete marks a service for deletion. It disappears when it is stopped and nobody has it
	// open.
	Delete(name string) error

	Start(name string) error
	Control(name string, c Control) error
	// Dependents returns the active services that require this one.
	Dependents(name string) ([]string, error)
	// Process opens the process with that number, so that its end can be seen.
	Process(pid int) (Process, error)

	// Source returns an entry of the system's log.
	Source(name string) (Source, error)
	// PutSource writes the entry s. The zero Source removes it.
	PutSource(name string, s Source) error

	// Directory returns owner and access list of a directory, in SDDL. there is false if it
	// does not exist.
	Directory(path string) (sddl string, there bool, err error)
	// MakeDirectory makes a directory with an access list in SDDL, or changes the list of an
	// existing one.
	MakeDirectory(path, sddl string) error
}

// A Process is an open process.
type Process interface {
	Ended() (bool, error)
	Close() error
}

// A Source is an entry of the system's log.
type Source struct {
	Exists      bool
	MessageFile string // the file with the texts of its events
	Types       uint32
}

// ourSource returns the entry of a service of ours. EventCreate has a message that consists of
// one free text for each id from 1 to 1000. The types are error, warning and information.
func ourSource() Source {
	return Source{Exists: true, MessageFile: `%SystemRoot%\System32\EventCreate.exe`, Types: 7}
}

// A State is SERVICE_STATUS.dwCurrentState.
type State uint32

// The states of our services.
const (
	Stopped      State = 1
	StartPending State = 2
	StopPending  State = 3
	Running      State = 4
)

func (s State) String() string {
	names := [...]string{"?", "STOPPED", "START_PENDING", "STOP_PENDING", "RUNNING", "CONTINUE_PENDING", "PAUSE_PENDING", "PAUSED"}
	if int(s) < len(names) {
		return names[s]
	}
	return names[0]
}

// A Control is a request of the SCM to a service.
type Control uint32

// The controls that we know, from <winsvc.h>.
const (
	ControlStop          Control = 1
	ControlInterrogate   Control = 4
	ControlShutdown      Control = 5
	ControlParamChange   Control = 6
	ControlPowerEvent    Control = 13
	ControlSessionChange Control = 14
	ControlPreshutdown   Control = 15
)

func (c Control) String() string {
	names := map[Control]string{
		ControlStop: "STOP", ControlInterrogate: "INTERROGATE", ControlShutdown: "SHUTDOWN", ControlParamChange: "PARAMCHANGE",
		ControlPowerEvent: "POWEREVENT", ControlSessionChange: "SESSIONCHANGE", ControlPreshutdown: "PRESHUTDOWN",
	}
	if name, ok := names[c]; ok {
		return name
	}
	return "?"
}

// The controls that a service accepts: SERVICE_STATUS.dwControlsAccepted.
const (
	acceptStop          = 0x001
	acceptShutdown      = 0x004
	acceptParamChange   = 0x008
	acceptPowerEvent    = 0x040
	acceptSessionChange = 0x080
	acceptPreshutdown   = 0x100
)

// A Status is SERVICE_STATUS, with the process.
type Status struct {
	State       State
	Accepts     uint32
	Win32Exit   uint32 // NO_ERROR, 1066, or another Windows error
	ServiceExit uint32 // our own exit code
	CheckPoint  uint32
	WaitHint    uint32 // milliseconds
	PID         int
}
