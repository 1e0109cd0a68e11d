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

// Applier carries out the steps of a [Manager] on a machine.
type Applier struct {
	machine Machine
	manager *Manager // for the waits
}

var _ platform.Applier = Applier{}

// Applier returns the applier of what m plans, on m's machine.
func (m *Manager) Applier() Applier { return Applier{machine: m.machine, manager: m} }

// Apply carries out one step. Before a registration is changed the old one is
// read; undo restores it whole.
func (a Applier) Apply(ctx context.Context, s platform.Step) (undo func(context.Context) error, err error) {
	switch p := s.Payload.(type) {
	case Access:
		if s.Kind == StepDirectory {
			return a.directory(s.Path, p.SDDL)
		}
	case EventSource:
		switch s.Kind {
		case StepEventSource:
			return a.source(p.Name)
		case StepRemoveEventSource:
			return a.removeSource(p.Name)
		}
	case Registration:
		switch s.Kind {
		case StepService:
			return a.register(ctx, p)
		case StepStopService:
			return a.stop(ctx, idOf(p.Name))
		case StepRemoveService:
			return a.remove(ctx, p.Name)
		}
	}
	return nil, fmt.Errorf("step of unknown kind %q with %T", s.Kind, s.Payload)
}

func (a Applier) register(ctx context.Context, want Registration) (undo func(context.Context) error, err error) {
	have, err := a.machine.Config(want.Name)
	switch {
	case code(err) == errDoesNotExist:
		back := func(ctx context.Context) error { return a.delete(ctx, want.Name) }
		err := a.create(ctx, want)
		if err != nil && code(err) != errMarkedForDelete && code(err) != errExists {
			return back, explain(err, want.Name)
		} else if err != nil {
			return nil, explain(err, want.Name)
		}
		return back, nil
	case err != nil:
		return nil, explain(err, want.Name)
	case reflect.DeepEqual(have, want):
		return nil, nil
	}
	back := func(context.Context) error { return explain(a.machine.Change(have), want.Name) }
	return back, explain(a.machine.Change(want), want.Name)
}

// How long a service that is marked for deletion may take to go, when nothing but a
// handle that is about to be closed holds it.
const (
	deleteWithin = 30 * time.Second
	deleteEvery  = 100 * time.Millisecond
)

// create waits for a namesake that is marked for deletion.
func (a Applier) create(ctx context.Context, r Registration) error {
	return patiently(ctx, func() (bool, error) {
		err := a.machine.Create(r)
		return code(err) != errMarkedForDelete, err
	})
}

// patiently tries until try says that it is done, or time is up; the error is
// that of the last try.
func patiently(ctx context.Context, try func() (done bool, err error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, deleteWithin, platform.ErrTimeout)
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

// idOf is the id of a service of that name.
func idOf(name string) platform.ID {
	name, instance, _ := strings.Cut(name, "@")
	return platform.ID{Name: name, Instance: instance, Scope: platform.ScopeSystem}
}

func (a Applier) stop(ctx context.Context, id platform.ID) (undo func(context.Context) error, err error) {
	if s, err := a.manager.query(id); err != nil || s.State == Stopped {
		return nil, err
	}
	back := func(ctx context.Context) error { return a.manager.start(ctx, id) }
	return back, a.manager.stop(ctx, id)
}

func (a Applier) remove(ctx context.Context, name string) (undo func(context.Context) error, err error) {
	have, err := a.machine.Config(name)
	if code(err) == errDoesNotExist {
		return nil, nil
	}
	if err != nil {
		return nil, explain(err, name)
	}
	back := func(ctx context.Context) error { return explain(a.create(ctx, have), name) }
	return back, a.delete(ctx, name)
}

// delete returns when the service is really gone, and not only marked.
func (a Applier) delete(ctx context.Context, name string) error {
	if err := a.machine.Delete(name); err != nil && code(err) != errMarkedForDelete {
		if code(err) == errDoesNotExist {
			return nil
		}
		return explain(err, name)
	}
	return patiently(ctx, func() (bool, error) {
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

func (a Applier) source(name string) (undo func(context.Context) error, err error) {
	before, err := a.machine.Source(name)
	switch {
	case err != nil:
		return nil, explain(err, name)
	case before == ourSource():
		return nil, nil
	case before.Exists:
		return nil, fmt.Errorf("the log knows %q already, by %s: choose another name: %w", name, before.MessageFile, platform.ErrPermission)
	}
	back := func(context.Context) error { return a.machine.PutSource(name, before) }
	return back, explain(a.machine.PutSource(name, ourSource()), name)
}

func (a Applier) removeSource(name string) (undo func(context.Context) error, err error) {
	before, err := a.machine.Source(name)
	if err != nil || before != ourSource() { // absent, or somebody else's
		return nil, explain(err, name)
	}
	back := func(context.Context) error { return a.machine.PutSource(name, before) }
	return back, explain(a.machine.PutSource(name, Source{}), name)
}

func (a Applier) directory(path, sddl string) (undo func(context.Context) error, err error) {
	created, before, err := a.machine.MakeDirectory(path, sddl)
	switch {
	case err != nil:
		return nil, explain(err, path)
	case created:
		return func(context.Context) error { return a.machine.RemoveDirectory(path) }, nil
	}
	return func(context.Context) error {
		_, _, err := a.machine.MakeDirectory(path, before)
		return err
	}, nil
}
