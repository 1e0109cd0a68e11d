package kardianos

import (
	"fmt"
	"maps"
	"slices"

	"github.com/kardianos/service"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/foreign"
	"github.com/holdfast-dev/holdfast/platform/native"
)

// Fallback has the systems of github.com/kardianos/service keep a service of holdfast's
// where the machine is run by what holdfast has no manager for: FreeBSD's rc.d, SMF, the
// SRC of AIX, upstart, procd and BusyBox's rcS. A program asks for it by
//
//	cfg.Fallback = kardianos.Fallback()
//
// and has the same command line as elsewhere. See "Where nothing else keeps a service" in
// the comment of this package.
func Fallback() platform.Fallback { return newFallback(native.System{}) }

func newFallback(sys platform.System) fallback {
	f := fallback{managers: map[string]*external{}}
	for _, name := range foreign.Names() {
		i, _ := foreign.Find(name)
		f.managers[name] = &external{Init: i, sys: sys, library: plainSystem(i.System), record: recordPath, permitted: isRoot, arguments: arguments}
	}
	return f
}

// fallback is the library's systems as managers.
type fallback struct{ managers map[string]*external }

// Managers are the names that the library's systems have here.
func (f fallback) Managers() []string { return slices.Sorted(maps.Keys(f.managers)) }

// Manager gives one of them.
func (f fallback) Manager(name string) (platform.Manager, error) {
	if m, ok := f.managers[name]; ok {
		return m, nil
	}
	return nil, fmt.Errorf("manager %q: %w", name, platform.ErrUnsupported)
}

// plainSystem is the library's own system of that name; nil if this program has none, as it
// was compiled for another operating system.
func plainSystem(name string) service.System {
	for _, s := range service.AvailableSystems() {
		if l, adopted := s.(*library); adopted {
			s = l.System
		}
		if s != nil && ofLibrary(s) && s.String() == name {
			return s
		}
	}
	return nil
}
