package scm

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/holdfast-dev/holdfast/platform"
)

// payload returns the payload of s, and decodes it if it is JSON from a file.
func payload(s platform.Step) (any, error) {
	raw, ok := s.Payload.(json.RawMessage)
	if !ok {
		return s.Payload, nil
	}
	var err error
	decode := func(v any) { err = json.Unmarshal(raw, v) }
	switch s.Kind {
	case StepDirectory:
		var p Access
		decode(&p)
		return p, err
	case StepEventSource, StepRemoveEventSource:
		var p EventSource
		decode(&p)
		return p, err
	case StepPutEventSource:
		var p LogEntry
		decode(&p)
		return p, err
	case StepService, StepStopService, StepStartService, StepRemoveService:
		var p Registration
		decode(&p)
		return p, err
	}
	return nil, unknown(s)
}

func unknown(s platform.Step) error {
	return fmt.Errorf("step of unknown kind %q with %T", s.Kind, s.Payload)
}

// Inverse reads the present state completely, so that the steps restore every field.
func (a Applier) Inverse(_ context.Context, s platform.Step) ([]platform.Step, error) {
	switch p := s.Payload.(type) {
	case Access:
		return a.backToDirectory(s.Path)
	case EventSource:
		before, err := a.machine.Source(p.Name)
		if err != nil || before == ourSource() == (s.Kind == StepEventSource) {
			return nil, explain(err, p.Name)
		}
		return []platform.Step{{Kind: StepPutEventSource, Describe: s.Describe, Payload: LogEntry{p.Name, before}}}, nil
	case Registration:
		if s.Kind == StepStopService {
			now, err := a.manager.query(idOf(p.Name))
			if err != nil || now.State == Stopped {
				return nil, err
			}
			return []platform.Step{{Kind: StepStartService, Describe: "start it again", Payload: Registration{Name: p.Name}}}, nil
		}
		return a.backToRegistration(s, p)
	}
	return nil, unknown(s)
}

func (a Applier) backToDirectory(path string) ([]platform.Step, error) {
	before, there, err := a.machine.Directory(path)
	switch {
	case err != nil:
		return nil, explain(err, path)
	case there:
		return []platform.Step{{Kind: StepDirectory, Describe: path, Path: path, Payload: Access{before}}}, nil
	}
	return []platform.Step{{Kind: platform.StepDropDir, Describe: path, Path: path}}, nil
}

func (a Applier) backToRegistration(s platform.Step, want Registration) ([]platform.Step, error) {
	have, err := a.machine.Config(want.Name)
	switch {
	case code(err) == errDoesNotExist && s.Kind == StepRemoveService:
		return nil, nil
	case code(err) == errDoesNotExist:
		return []platform.Step{{Kind: StepRemoveService, Describe: s.Describe, Payload: Registration{Name: want.Name, BinaryPath: want.BinaryPath}}}, nil
	case err != nil:
		return nil, explain(err, want.Name)
	case s.Kind == StepService && reflect.DeepEqual(have, want):
		return nil, nil
	}
	return []platform.Step{{Kind: StepService, Describe: s.Describe, Payload: have}}, nil
}
