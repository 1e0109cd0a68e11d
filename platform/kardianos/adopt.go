package kardianos

import (
	"os"
	"sync"

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
// again, by several goroutines at once, and in an init. What is adopted already it leaves
// alone; the first call changes what the library chose, for which that has no lock, so no
// other goroutine may use the library meanwhile.
//
// A System of the program's own that wraps one of the library's has ours in it
// afterwards, if a field of it, or of a struct in it, holds that. One that wraps ours later
// has it anyway.
//
// Where the environment says that this process is to be one of holdfast's own commands
// Adopt is that command, and ends the process.
func Adopt() {
	adopting.Lock()
	defer adopting.Unlock()
	if name := os.Getenv(variable); name != "" {
		_ = os.Unsetenv(variable) // not for what it starts
		code := cli.Main(holdfast.Config{Name: name, Guest: &holdfast.Guest{}}, nobody{})
		os.Exit(code) //nolint:forbidigo // main belongs to a program that knows nothing of this
	}
	before := service.AvailableSystems()
	now, a, changed := make([]service.System, len(before)), adoption{}, false
	for i, s := range before {
		var is bool
		now[i], is = a.adopted(s)
		changed = changed || is
	}
	// The one that is chosen is another one where a Detect has panicked.
	if _, missed := a.adopted(service.ChosenSystem()); changed || missed {
		service.ChooseSystem(now...)
	}
}

// adopting has calls of Adopt come one after the other: what the library has chosen is
// the process's.
var adopting sync.Mutex

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

// adopted is s by holdfast, or what s wraps; s where neither can be, or is already.
func (a adoption) adopted(s service.System) (_ service.System, changed bool) {
	switch s.(type) {
	case nil, *system, *library:
		return s, false
	}
	if !ofLibrary(s) {
		return a.around(s)
	}
	if manager := managers[s.String()]; manager != "" && native.OnThisSystem(manager) {
		return &system{System: s, manager: manager, starter: native.Starter()}, true
	}
	if scripts[s.String()] != "" {
		return &library{s}, true
	}
	return s, false
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
	if err != nil || c == nil || platform.CheckName(c.Name) != nil {
		return plain, err
	}
	return &adoptee{system: s, plain: plain, program: i, config: c, asking: make(chan struct{}, 1)}, nil
}
