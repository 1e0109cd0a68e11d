package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"time"

	"github.com/holdfast-dev/holdfast/examples/shipper/ship"
	"github.com/holdfast-dev/holdfast/service"
)

// table is the shipper's own table in the configuration file.
const table = "shipper"

// config is the [shipper] table. Values that can be checked on their own check themselves
// while they are decoded, so that the error names their line.
type config struct {
	Inputs     []glob         `toml:"inputs" show:"true" help:"files to follow: absolute patterns; changes by reload"`
	Output     path           `toml:"output" show:"true" help:"file to append to; changes by restart"`
	Match      *regexp.Regexp `toml:"match" show:"true" help:"lines to ship, a regular expression; every line, if there is none; changes by reload"`
	StartDelay delay          `toml:"start_delay" show:"true" help:"how long Start takes, to rehearse slow programs"`
	StopDelay  delay          `toml:"stop_delay" show:"true" help:"how long Stop takes"`
}

// Tables returns the shipper's own table.
func (*program) Tables() map[string]any { return map[string]any{table: new(config)} }

// Validate reports missing values.
func (c *config) Validate() error {
	var errs []error
	if len(c.Inputs) == 0 {
		errs = append(errs, &service.FieldError{Key: "inputs", Err: errors.New("missing: name the files to follow")})
	}
	if c.Output == "" {
		errs = append(errs, &service.FieldError{Key: "output", Err: errors.New("missing: name the file to append to")})
	}
	return errors.Join(errs...)
}

type (
	glob  string        // absolute pattern
	path  string        // absolute, clean
	delay time.Duration // not negative
)

func (g *glob) UnmarshalText(text []byte) error {
	pattern, err := absolute(text)
	*g = glob(pattern)
	if err == nil {
		_, err = filepath.Match(pattern, "")
	}
	return err
}

func (p *path) UnmarshalText(text []byte) error {
	name, err := absolute(text)
	*p = path(filepath.Clean(name))
	return err
}

func (d *delay) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err == nil && parsed < 0 {
		err = fmt.Errorf("%v is negative", parsed)
	}
	*d = delay(parsed)
	return err
}

// MarshalText formats a delay for `config print`.
func (d delay) MarshalText() ([]byte, error) { //nolint:unparam // encoding.TextMarshaler wants the error
	return []byte(time.Duration(d).String()), nil
}

func absolute(text []byte) (string, error) {
	if name := string(text); filepath.IsAbs(name) {
		return name, nil
	}
	return "", fmt.Errorf("%q is not an absolute path: a service has no working directory of its own to start from", text)
}

// readConfig reads the table in its current state. The error is [service.ErrConfig].
func readConfig(rt *service.Runtime) (config, error) {
	var c config
	err := rt.DecodeTable(table, &c)
	if err != nil && rt.Config().File == "" {
		err = fmt.Errorf("%w (no configuration file was named: --config)", err)
	}
	return c, err
}

// badConfig returns err as a mistake in the configuration file.
func badConfig(rt *service.Runtime, err error) error {
	file := rt.Config().File
	if file == "" {
		file = "no configuration file was named (--config)"
	}
	return fmt.Errorf("%w: %s: %w", service.ErrConfig, file, err)
}

func (c config) selection() ship.Selection {
	sel := ship.Selection{Match: c.Match}
	for _, g := range c.Inputs {
		sel.Inputs = append(sel.Inputs, string(g))
	}
	return sel
}
