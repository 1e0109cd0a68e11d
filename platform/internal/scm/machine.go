package scm

// Machine is the SCM with its database, and what else of Windows a service is made
// of. Each call asks for the least rights that it needs. The error of a call that Windows
// refused is a [*CallError]; elsewhere than on Windows it is errors.ErrUnsupported.
type Machine interface {
	// Query asks for a service's status; a plain user may.
	Query(name string) (Status, error)
	// Config reads a registration back.
	Config(name string) (Registration, error)
	Create(r Registration) error
	// Change makes the registration r of a service that is there, nothing of the old one stays.
	Change(r Registration) error
	// Delete marks a service for deletion: it is gone when it is stopped and nobody has it open any more.
	Delete(name string) error

	Start(name string) error
	Control(name string, c Control) error
	// Dependents are the active services that cannot be without this one.
	Dependents(name string) ([]string, error)
	// Process opens the process with that number, so that its end can be seen.
	Process(pid int) (Process, error)

	// Source reads an entry of the system's log.
	Source(name string) (Source, error)
	// PutSource makes the entry s; the zero Source is none.
	PutSource(name string, s Source) error

	// Directory is owner and access list of a directory, in SDDL; there is false if there is none.
	Directory(path string) (sddl string, there bool, err error)
	// MakeDirectory makes a directory with an access list in SDDL, or gives one that is there that list.
	MakeDirectory(path, sddl string) error
}

// Process is an open process.
type Process interface {
	Ended() (bool, error)
	Close() error
}

// Source is an entry of the system's log.
type Source struct {
	Exists      bool
	MessageFile string // where the texts of its events lie
	Types       uint32
}

// ourSource is the entry of a service of ours: EventCreate has a message of one
// free text for each of the ids 1 to 1000. The types are error, warning and
// information.
func ourSource() Source {
	return Source{Exists: true, MessageFile: `%SystemRoot%\System32\EventCreate.exe`, Types: 7}
}

// State is SERVICE_STATUS.dwCurrentState.
type State uint32

// The states that a service of ours can be in.
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

// Control is what the SCM tells a service to do.
type Control uint32

// The controls that we know, <winsvc.h>.
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

// What a service accepts, SERVICE_STATUS.dwControlsAccepted.
const (
	acceptStop          = 0x001
	acceptShutdown      = 0x004
	acceptParamChange   = 0x008
	acceptPowerEvent    = 0x040
	acceptSessionChange = 0x080
	acceptPreshutdown   = 0x100
)

// Status is SERVICE_STATUS, with the process.
type Status struct {
	State       State
	Accepts     uint32
	Win32Exit   uint32 // NO_ERROR, 1066, or another error of Windows
	ServiceExit uint32 // the code of our own
	CheckPoint  uint32
	WaitHint    uint32 // milliseconds
	PID         int
}
