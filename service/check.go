package service

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// A TableProvider is a Program that names its own tables in the configuration file. They need
// not be in [Config.Tables] then. `config print` shows them with their defaults, and `check`
// checks them.
type TableProvider interface {
	// Tables returns the program's tables by name. Each value is a pointer to a struct with
	// the defaults, as for [DecodeTable]. The tag help of a field describes its key. Tables
	// may be called at any time, in any process, with or without Start.
	Tables() map[string]any
}

// A Checker is a Program that can reject a configuration before it is used, beyond what
// decoding its tables shows.
type Checker interface {
	// Check returns why the program could not start with cfg, or nil. The configuration cfg is
	// complete, and valid as far as holdfast can tell.
	//
	// `check`, `install`, `start`, `restart` and `reload` call Check before they touch the
	// service. They run in another process than the service, often while it is running, and as
	// the user who typed the command. So Check must only read: it changes nothing, and takes
	// no port or lock. A [*ConfigError] says where the mistake is; [Config.DecodeTable]
	// returns such errors.
	Check(ctx context.Context, cfg Config) error
}

// CheckProgram lets prog check its own part of cfg, which has been loaded: first its tables,
// if prog is a [TableProvider], then the rest, if it is a [Checker]. The error is [ErrConfig];
// a panic becomes an error, too. CheckProgram blocks as long as the program does.
func CheckProgram(ctx context.Context, cfg Config, prog Program) error {
	var errs []error
	if p, ok := prog.(TableProvider); ok {
		tables := p.Tables()
		for _, name := range slices.Sorted(maps.Keys(tables)) {
			errs = append(errs, protect("table "+name, func() error { return cfg.DecodeTable(name, tables[name]) }))
		}
	}
	if c, ok := prog.(Checker); ok && errors.Join(errs...) == nil {
		errs = append(errs, protect("Check", func() error { return c.Check(ctx, cfg) }))
	}
	return BadConfig(errs...)
}

// With returns c with the tables of prog added to [Config.Tables]. The error says which of
// them cannot be decoded into.
func (c Config) With(prog Program) (Config, error) {
	err := c.with(prog)
	return c, err
}

func (c *Config) with(prog Program) error {
	p, ok := prog.(TableProvider)
	if !ok {
		return nil
	}
	c.Tables = slices.Clone(c.Tables)
	for name, table := range p.Tables() {
		if t := reflect.TypeOf(table); t == nil || t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct || name == ownTable {
			return fmt.Errorf("%w: the program's table %q is a %T: it has to be a pointer to a struct, and not one of holdfast's tables", ErrConfig, name, table)
		}
		if !slices.Contains(c.Tables, name) {
			c.Tables = append(c.Tables, name)
		}
	}
	slices.Sort(c.Tables)
	if c.original != nil { // c has been loaded; another Load must know the tables, too
		original := *c.original
		original.Tables = c.Tables
		c.original = &original
	}
	return nil
}
