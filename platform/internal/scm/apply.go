package scm

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// An Applier carries out the steps of a [Manager] on a machine.
type Applier struct {
	machine Machine
	manager *Manager // for the waits
}

var _ platform.Applier = Applier{}

// Applier returns the Applier for the plans of m, on m's machine.
func (m *Manager) Applier() Applier { return Applier{machine: m.machine, manager: m} }

// Apply carries out one step.
func (a Applier) Apply(ctx context.Context, s platform.Step) error {
	p, err := payload(s)
	if err != nil {
		return err
	}
	switch p := p.(type) {
	case Access:
		return explain(a.machine.MakeDirectory(s.Path, p.SDDL), s.Path)
	case EventSource:
		if s.Kind == StepEventSource {
			return a.source(p.Name)
		}
		return a.removeSource(p.Name)
	case LogEntry:
		if now, err := a.machine.Source(p.Name); err == nil && now == p.Source {
			return nil
		}
		return explain(a.machine.PutSource(p.Name, p.Source), p.Name)
	case Registration:
		switch s.Kind {
		case StepService:
			return a.register(ctx, p)
		case StepStopService:
			return a.stop(ctx, idOf(p.Name))
		case StepStartService:
			return a.manager.start(ctx, idOf(p.Name))
		case StepRemoveService:
			return a.remove(ctx, p)
		}
	}
	return unknown(s)
}

func (a Applier) register(ctx context.Context, want Registration) error {
	have, err := a.machine.Config(want.Name)
	switch {
	case code(err) == errDoesNotExist:
		return explain(a.create(ctx, want), want.Name)
	case err != nil:
		return explain(err, want.Name)
	case reflect.DeepEqual(have, want):
		return nil
	}
	return explain(a.machine.Change(want), want.Name)
}

// How long a service that is marked for deletion may take to disappear. By then only handles
// are open that will be closed soon.
const (
	deleteWithin = 30 * time.Second
	deleteEvery  = 100 * time.Millisecond
)

// create waits if a service with that name is marked for deletion.
func (a Applier) create(ctx context.Context, r Registration) error {
	return patiently(ctx, deleteWithin, func() (bool, error) {
		err := a.machine.Create(r)
		return code(err) != errMarkedForDelete, err
	})
}

// patiently repeats try until that reports that it is done, or within is over. It returns
// the error of the last attempt.
func patiently(ctx context.Context, within time.Duration, try func() (done bool, err error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, within, platform.ErrTimeout)
	defer cancel()
	for {
		done, err := try()
		if done {
			return err
		}
		if e := room.Pause(ctx, deleteEvery); e != nil {
			return errors.Join(err, e)
		}
	}
}

// idOf returns the id of the service with that name.
func idOf(name string) platform.ID {
	name, instance, _ := strings.Cut(name, "@")
	return platform.ID{Name: name, Instance: instance, Scope: platform.ScopeSystem}
}

func (a Applier) stop(ctx context.Context, id platform.ID) error {
	s, err := a.manager.query(id)
	if errors.Is(err, platform.ErrNotInstalled) {
		return nil // it has been deleted meanwhile, or its creation was undone
	}
	if err != nil || s.State == Stopped {
		return err
	}
	return a.manager.stop(ctx, id)
}

// remove does nothing if another service has that name now.
func (a Applier) remove(ctx context.Context, r Registration) error {
	have, err := a.machine.Config(r.Name)
	switch {
	case code(err) == errDoesNotExist:
		return nil
	case err != nil:
		return explain(err, r.Name)
	case r.BinaryPath != "" && have.BinaryPath != r.BinaryPath:
		return nil
	}
	return a.delete(ctx, r.Name)
}

// delete returns when the service has disappeared, and is not only marked for deletion.
func (a Applier) delete(ctx context.Context, name string) error {
	if err := a.machine.Delete(name); err != nil && code(err) != errMarkedForDelete {
		if code(err) == errDoesNotExist {
			return nil
		}
		return explain(err, name)
	}
	return patiently(ctx, deleteWithin, func() (bool, error) {
		_, err := a.machine.Query(name)
		switch code(err) {
		case errDoesNotExist:
			return true, nil
		case errMarkedForDelete, 0:
			return false, explain(&CallError{Call: "DeleteService", Code: errMarkedForDelete}, name)
		}
		return true, explain(err, name)
	})
}

func (a Applier) source(name string) error {
	before, err := a.machine.Source(name)
	switch {
	case err != nil:
		return explain(err, name)
	case before == ourSource():
		return nil
	case before.Exists:
		return fmt.Errorf("the log knows %q already, by %s: choose another name: %w", name, before.MessageFile, platform.ErrPermission)
	}
	return explain(a.machine.PutSource(name, ourSource()), name)
}

func (a Applier) removeSource(name string) error {
	before, err := a.machine.Source(name)
	if err != nil || before != ourSource() { // absent, or not ours
		return explain(err, name)
	}
	return explain(a.machine.PutSource(name, Source{}), name)
}
