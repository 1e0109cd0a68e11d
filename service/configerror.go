package service

import (
	"errors"
	"fmt"
	"strings"
)

// ConfigError is one thing that is wrong with a configuration, and where. It is
// [ErrConfig].
type ConfigError struct {
	File string // empty: the value comes from code or from a flag
	Line int    // the last of the value; 0: not known
	Key  string // with its tables, "service.restart.delay"; empty: the whole file
	Err  error
}

// Error is FILE:LINE: KEY: PROBLEM, as far as each is known.
func (e *ConfigError) Error() string {
	var at []string
	switch {
	case e.File != "" && e.Line > 0:
		at = append(at, fmt.Sprintf("%s:%d", e.File, e.Line))
	case e.File != "":
		at = append(at, e.File)
	case e.Line > 0:
		at = append(at, fmt.Sprintf("line %d", e.Line))
	}
	if e.Key != "" {
		at = append(at, e.Key)
	}
	return strings.Join(append(at, e.Err.Error()), ": ")
}

// Unwrap gives the reason, and [ErrConfig].
func (e *ConfigError) Unwrap() []error { return []error{e.Err, ErrConfig} }

// ConfigErrors are the single things that are wrong according to err, in its
// order. What does not say where it is stands for itself, with an empty place;
// nothing of err is lost. They are none if err is nil.
func ConfigErrors(err error) []*ConfigError {
	if located := locatedErrors(err); len(located) > 0 {
		return located
	}
	if err == nil {
		return nil
	}
	return []*ConfigError{{Err: err}}
}

// locatedErrors are those that err is made of and nothing else; none if there is
// more to it.
func locatedErrors(err error) []*ConfigError {
	switch e := err.(type) { //nolint:errorlint // the tree itself is walked
	case *ConfigError:
		return []*ConfigError{e}
	case *FieldError:
		return []*ConfigError{{Key: ownTable + "." + e.Key, Err: e.Err}}
	case configErrors:
		return ConfigErrors(e.error)
	}
	var all []*ConfigError
	for _, inner := range listed(err) {
		all = append(all, ConfigErrors(inner)...)
	}
	return all
}

// listed are the errors of a list, as errors.Join makes it; nil if err is none.
func listed(err error) []error {
	list, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // err itself
	if !ok || err.Error() != errors.Join(list.Unwrap()...).Error() {
		return nil
	}
	return list.Unwrap()
}

// configErrors says before all that is wrong that it is the configuration's.
type configErrors struct{ error }

func badConfig(err error) error {
	if err == nil {
		return nil
	}
	return configErrors{err}
}

// BadConfig is all of errs that is not nil as what is wrong with a configuration:
// [ErrConfig], and [ConfigErrors] takes it apart. It is nil if there is nothing.
func BadConfig(errs ...error) error {
	all := make([]error, len(errs))
	for i, err := range errs {
		all[i] = err
		if list, ok := err.(configErrors); ok { //nolint:errorlint // to say it once
			all[i] = list.error
		}
	}
	return badConfig(errors.Join(all...))
}

// ErrorAt is err as what is wrong with the value of a key, named with its tables
// ("service.user"), with file and line if it stands in c.File. It reads the file.
func (c Config) ErrorAt(key string, err error) *ConfigError {
	bad := &ConfigError{Key: key, Err: err}
	if c.File == "" {
		return bad
	}
	text, e := c.content()
	if e != nil {
		return bad
	}
	if bad.Line = (file{path: c.File, text: text}).line(strings.Split(key, ".")); bad.Line > 0 {
		bad.File = c.File
	}
	return bad
}

func (e configErrors) Error() string   { return ErrConfig.Error() + ": " + e.error.Error() }
func (e configErrors) Unwrap() []error { return []error{ErrConfig, e.error} }
