package scm

import (
	"errors"

	"golang.org/x/sys/windows/registry"
)

const (
	servicesKey    = `SYSTEM\CurrentControlSet\Services\`
	sourcesKey     = servicesKey + `EventLog\Application\`
	parameters     = "Parameters"
	environment    = "Environment"
	typesSupported = "TypesSupported"
	messageFile    = "EventMessageFile"
)

// putTexts writes what the SCM has no call for: the environment, which it reads when it starts
// the service, and our parameters. Both disappear when the service is deleted.
func (Local) putTexts(r Registration) error {
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, servicesKey+r.Name, registry.SET_VALUE|registry.CREATE_SUB_KEY)
	if err != nil {
		return failed("RegOpenKeyEx", err)
	}
	defer k.Close()
	if len(r.Environment) > 0 {
		err = k.SetStringsValue(environment, r.Environment)
	} else if err = k.DeleteValue(environment); errors.Is(err, registry.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return failed("RegSetValueEx", err)
	}
	p, _, err := registry.CreateKey(k, parameters, registry.SET_VALUE)
	if err != nil {
		return failed("RegCreateKeyEx", err)
	}
	defer p.Close()
	for name, value := range r.Parameters {
		if err := p.SetStringValue(name, value); err != nil {
			return failed("RegSetValueEx", err)
		}
	}
	for _, name := range ownParameters() { // other parameters stay
		if _, wanted := r.Parameters[name]; wanted {
			continue
		}
		if err := p.DeleteValue(name); err != nil && !errors.Is(err, registry.ErrNotExist) {
			return failed("RegDeleteValue", err)
		}
	}
	return nil
}

// getTexts reads the environment and the parameters.
func (Local) getTexts(r *Registration) error {
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, servicesKey+r.Name, registry.QUERY_VALUE)
	if err != nil {
		return failed("RegOpenKeyEx", err)
	}
	defer k.Close()
	r.Environment, _, err = k.GetStringsValue(environment)
	if err != nil && !errors.Is(err, registry.ErrNotExist) {
		return failed("RegQueryValueEx", err)
	}
	p, err := registry.OpenKey(k, parameters, registry.QUERY_VALUE)
	if errors.Is(err, registry.ErrNotExist) {
		return nil
	}
	if err != nil {
		return failed("RegOpenKeyEx", err)
	}
	defer p.Close()
	names, err := p.ReadValueNames(0)
	if err != nil {
		return failed("RegEnumValue", err)
	}
	r.Parameters = make(map[string]string, len(names))
	for _, name := range names {
		// Parameters of others may have another type. They are ignored.
		if value, _, err := p.GetStringValue(name); err == nil {
			r.Parameters[name] = value
		}
	}
	return nil
}

// Source reads an entry of the Application log.
func (Local) Source(name string) (Source, error) {
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, sourcesKey+name, registry.QUERY_VALUE)
	if errors.Is(err, registry.ErrNotExist) {
		return Source{}, nil
	}
	if err != nil {
		return Source{}, failed("RegOpenKeyEx", err)
	}
	defer k.Close()
	s := Source{Exists: true}
	s.MessageFile, _, _ = k.GetStringValue(messageFile) // it may be missing
	types, _, _ := k.GetIntegerValue(typesSupported)
	s.Types = uint32(types)
	return s, nil
}

// PutSource writes the entry s.
func (Local) PutSource(name string, s Source) error {
	if !s.Exists {
		err := registry.DeleteKey(registry.LOCAL_MACHINE, sourcesKey+name)
		if errors.Is(err, registry.ErrNotExist) {
			err = nil
		}
		return failed("RegDeleteKey", err)
	}
	k, _, err := registry.CreateKey(registry.LOCAL_MACHINE, sourcesKey+name, registry.SET_VALUE)
	if err != nil {
		return failed("RegCreateKeyEx", err)
	}
	defer k.Close()
	err = k.SetExpandStringValue(messageFile, s.MessageFile)
	if err == nil {
		err = k.SetDWordValue(typesSupported, s.Types)
	}
	return failed("RegSetValueEx", err)
}
