package native

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

// ManagerOr is like [Manager], but can also return a manager of f: by its name, or if f has
// one for what runs the machine and holdfast has none. f may be nil.
func ManagerOr(f platform.Fallback, name string) (platform.Manager, error) {
	names := Managers()
	if f != nil {
		names = append(names, f.Managers()...)
	}
	if name == "" || name == "auto" {
		p := here(runtime.GOOS)
		running, other := p.manager()
		switch {
		case running != "":
			name = running
		case slices.Contains(names, other.fallback):
			name = other.fallback
		default:
			if finder, ok := f.(platform.Finder); ok {
				name = finder.Here()
			}
			if !slices.Contains(names, name) {
				_, err := p.running()
				return nil, err
			}
		}
	}
	switch {
	case !slices.Contains(names, name):
		return nil, fmt.Errorf("manager %q: %w: choose one of %s", name, platform.ErrUnsupported, strings.Join(names, ", "))
	case !slices.Contains(Managers(), name):
		return f.Manager(name)
	}
	return ManagerOn(name, System{}, login())
}

// WithFallback returns this machine, on which the steps of f's managers can be carried out,
// too. f may be nil.
func WithFallback(f platform.Fallback) platform.System {
	if f == nil {
		return System{}
	}
	return fallen{System{}, f}
}

// fallen is the machine with a fallback.
type fallen struct {
	System
	fallback platform.Fallback
}

// Apply carries out a step that is neither a file nor a command.
func (m fallen) Apply(ctx context.Context, s platform.Step) error {
	if s.Kind == platform.StepFallback {
		return m.fallback.Apply(ctx, s)
	}
	return m.System.Apply(ctx, s)
}

// Inverse returns the steps that undo such a step.
func (m fallen) Inverse(ctx context.Context, s platform.Step) ([]platform.Step, error) {
	if s.Kind == platform.StepFallback {
		return m.fallback.Inverse(ctx, s)
	}
	return m.System.Inverse(ctx, s)
}
