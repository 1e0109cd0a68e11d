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

// Fallback lets the systems of github.com/kardianos/service manage a service of holdfast on
// machines for which holdfast has no manager: FreeBSD's rc.d, SMF, the SRC of AIX, upstart,
// procd and BusyBox's rcS. A program enables it by
//
//	cfg.Fallback = kardianos.Fallback()
//
// and has the same command line as elsewhere. See "The library as a fallback" in the comment
// of this package.
func Fallback() platform.Fallback { return newFallback(native.System{}) }

func newFallback(sys platform.System) fallback {
	f := fallback{managers: map[string]*external{}}
	for _, name := range foreign.Names() {
		i, _ := foreign.Find(name)
		f.managers[name] = &external{Init: i, sys: sys, library: plainSystem(i.System), record: recordPath, permitted: isRoot, arguments: arguments}
	}
	return f
}

// A fallback has the library's systems as managers.
type fallback struct{ managers map[string]*external }

// Managers returns our names of the library's systems.
func (f fallback) Managers() []string { return slices.Sorted(maps.Keys(f.managers)) }

// Manager returns the manager with that name.
func (f fallback) Manager(name string) (platform.Manager, error) {
	if m, ok := f.managers[name]; ok {
		return m, nil
	}
	return nil, fmt.Errorf("manager %q: %w", name, platform.ErrUnsupported)
}

// plainSystem returns the library's own system with that name. It returns nil if this program
// was compiled for another operating system, and so has none.
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
