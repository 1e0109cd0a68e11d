package kardianos

import (
	"os"

	"github.com/kardianos/service"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	holdfast "github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// variable has [Adopt] be one of holdfast's own commands, for the service that it names.
const variable = "HOLDFAST_AS"

// Adopt has the systems of github.com/kardianos/service be those of holdfast, where there
// is a manager of its own, from now on: call it before service.New. It may be called
// again, and in an init. A System that wraps one of the library's is wrapped around ours,
// if it holds that in an exported field, and is kept otherwise.
//
// Where the environment says that this process is to be one of holdfast's own commands
// Adopt is that command, and ends the process.
func Adopt() {
	if name := os.Getenv(variable); name != "" {
		_ = os.Unsetenv(variable) // not for what it starts
		code := cli.Main(holdfast.Config{Name: name, Guest: &holdfast.Guest{}}, nobody{})
		os.Exit(code) //nolint:forbidigo // main belongs to a program that knows nothing of this
	}
	before := service.AvailableSystems()
	now := make([]service.System, len(before))
	for i, s := range before {
		now[i] = adopted(s)
	}
	service.ChooseSystem(now...)
}

// nobody is the program of a process that is but a command.
type nobody struct{ holdfast.Program }

// managers are the names of holdfast's managers by those of the library's systems.
var managers = map[string]string{
	"linux-systemd": "systemd", "unix-systemv": "sysv", "linux-openrc": "openrc", "darwin-launchd": "launchd", "windows-service": "scm",
}

// system is one of the library's by holdfast's manager of that name.
type system struct {
	service.System
	manager string
	starter string // of this process, if a script of ours started it
}

// adopted is s by holdfast, or what s wraps; s where neither can be.
func adopted(s service.System) service.System {
	switch s := s.(type) {
	case nil, *system, *library:
		return s
	}
	if !ofLibrary(s) {
		return around(s)
	}
	if manager := managers[s.String()]; manager != "" && native.OnThisSystem(manager) {
		return &system{System: s, manager: manager, starter: native.Starter()}
	}
	if scripts[s.String()] != "" {
		return &library{s}
	}
	return s
}

// Detect reports whether the machine is run by this system. Where holdfast cannot tell
// who runs it the library's own guess counts.
func (s *system) Detect() bool {
	m, err := native.Manager("auto")
	if err != nil {
		return s.System.Detect()
	}
	return m.Name() == s.manager
}

// Interactive reports whether no manager started this process.
func (s *system) Interactive() bool { return s.starter == "" && s.System.Interactive() }

// New is a service by holdfast. Of a name that holdfast does not take it is the library's.
func (s *system) New(i service.Interface, c *service.Config) (service.Service, error) {
	plain, err := s.System.New(i, c)
	if err != nil || platform.CheckName(c.Name) != nil {
		return plain, err
	}
	return &adoptee{system: s, plain: plain, program: i, config: c, asking: make(chan struct{}, 1)}, nil
}
