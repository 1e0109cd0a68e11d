package service

import (
	"errors"
	"fmt"
	"strings"
)

// A ConfigError describes one mistake in a configuration, and where it is. It is [ErrConfig].
type ConfigError struct {
	File string // empty: the value comes from code or from a flag
	Line int    // last line of the value; 0: unknown
	Key  string // with its tables, "service.restart.delay"; empty: the whole file
	Err  error
}

// Error returns FILE:LINE: KEY: PROBLEM, as far as each part is known.
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

// Unwrap returns the reason and [ErrConfig].
func (e *ConfigError) Unwrap() []error { return []error{e.Err, ErrConfig} }

// ConfigErrors splits err into its single mistakes, in the order of err. An error without a
// place becomes a ConfigError without one, so no part of err is lost. The result is nil if err
// is nil.
func ConfigErrors(err error) []*ConfigError {
	if located := locatedErrors(err); len(located) > 0 {
		return located
	}
	if err == nil {
		return nil
	}
	return []*ConfigError{{Err: err}}
}

// locatedErrors returns the mistakes in err, or nil if err contains anything else.
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

// listed returns the errors that errors.Join joined to err, or nil if err is no such list.
func listed(err error) []error {
	list, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // err itself
	if !ok || err.Error() != errors.Join(list.Unwrap()...).Error() {
		return nil
	}
	return list.Unwrap()
}

// configErrors makes an error ErrConfig, and puts "bad configuration" before its text.
type configErrors struct{ error }

func badConfig(err error) error {
	if err == nil {
		return nil
	}
	return configErrors{err}
}

// BadConfig joins the errors that are not nil to one error about a configuration. It is
// [ErrConfig], and [ConfigErrors] splits it. BadConfig returns nil if all of them are nil.
func BadConfig(errs ...error) error {
	all := make([]error, len(errs))
	for i, err := range errs {
		all[i] = err
		if list, ok := err.(configErrors); ok { //nolint:errorlint // the prefix appears once
			all[i] = list.error
		}
	}
	return badConfig(errors.Join(all...))
}

// ErrorAt returns err as a mistake in the value of key, which includes its tables
// ("service.user"). If the key is in c.File, the result has file and line. ErrorAt reads the
// file.
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
