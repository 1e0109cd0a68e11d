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

// variable turns [Adopt] into one of holdfast's own commands, for the service that it names.
const variable = "HOLDFAST_AS"

// Adopt replaces the systems of github.com/kardianos/service by those of holdfast, if holdfast
// has a manager for them. Call it before service.New. It may be called repeatedly, by several
// goroutines at once, and in an init function. Systems that are adopted already stay
// unchanged. The first call changes what the library has chosen, for which that has no lock.
// So no other goroutine may use the library meanwhile.
//
// If a System of the program wraps one of the library's, Adopt replaces the wrapped one,
// provided that it is in a field of the System or of a nested struct. A System that wraps ours
// later needs no replacement.
//
// If the environment says that this process is one of holdfast's own commands, Adopt runs that
// command and ends the process.
func Adopt() {
	adopting.Lock()
	defer adopting.Unlock()
	if name := os.Getenv(variable); name != "" {
		_ = os.Unsetenv(variable) // child processes must not inherit it
		code := cli.Main(holdfast.Config{Name: name, Guest: &holdfast.Guest{}}, nobody{})
		os.Exit(code) //nolint:forbidigo // main belongs to a program that does not know of this
	}
	before := service.AvailableSystems()
	now, a, changed := make([]service.System, len(before)), adoption{}, false
	for i, s := range before {
		var is bool
		now[i], is = a.adopted(s)
		changed = changed || is
	}
	// The chosen system is not in the list if a Detect has panicked.
	if _, missed := a.adopted(service.ChosenSystem()); changed || missed {
		service.ChooseSystem(now...)
	}
}

// adopting serialises the calls of Adopt, because the library's choice is global.
var adopting sync.Mutex

// nobody is the program of a process that only runs a command.
type nobody struct{ holdfast.Program }

// managers maps the names of the library's systems to those of holdfast's managers.
var managers = map[string]string{
	"linux-systemd": "systemd", "unix-systemv": "sysv", "linux-openrc": "openrc", "darwin-launchd": "launchd", "windows-service": "scm",
}

// system is one of the library's systems, with holdfast's manager.
type system struct {
	service.System
	manager string
	starter string // of this process, if a script of ours started it
}

// adopted returns holdfast's system for s, or s with a wrapped system replaced. It returns s
// unchanged if neither is possible, or if s is adopted already.
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

// Detect reports whether this system runs the machine. If holdfast does not know what does,
// the library's own answer counts.
func (s *system) Detect() bool {
	m, err := native.Manager("auto")
	if err != nil {
		return s.System.Detect()
	}
	return m.Name() == s.manager
}

// Interactive reports whether no manager started this process.
func (s *system) Interactive() bool { return s.starter == "" && s.System.Interactive() }

// New returns a service of holdfast, or the library's if holdfast does not accept the name.
func (s *system) New(i service.Interface, c *service.Config) (service.Service, error) {
	plain, err := s.System.New(i, c)
	if err != nil || c == nil || platform.CheckName(c.Name) != nil {
		return plain, err
	}
	return &adoptee{system: s, plain: plain, program: i, config: c, asking: make(chan struct{}, 1)}, nil
}
