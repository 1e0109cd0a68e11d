package service

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// TableProvider is a Program that says what tables of the configuration file are
// its own. They need not be in [Config.Tables] then; `config print` shows them with
// their defaults, and `check` finds what is wrong in them.
type TableProvider interface {
	// Tables returns, by the name of the table, a pointer to a struct with the
	// defaults, as [DecodeTable] takes it. A field's tag help is the meaning of its
	// key. It may be called at any time, in any process, before Start or without it.
	Tables() map[string]any
}

// Checker is a Program that can tell beforehand that it could not work with a
// configuration, of more than what decoding its tables shows.
type Checker interface {
	// Check returns why the program could not start with cfg, which is whole and
	// valid as far as holdfast knows, or nil. It is called by `check`, and by
	// `install`, `start`, `restart` and `reload` before they touch the service: in
	// another process than the service's, often while that runs, and as whoever
	// typed the command. So it reads and changes nothing, and takes no port or lock.
	// A [*ConfigError] says where the mistake is; [Config.DecodeTable] returns such.
	Check(ctx context.Context, cfg Config) error
}

// CheckProgram has prog check what is its own in the configuration, which has been
// loaded: its tables, if it is a [TableProvider], then all else, if it is a
// [Checker]. What it returns is [ErrConfig]; a panic is an error, too. It blocks as long as the program does.
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

// With is c where the tables that prog provides are declared, and an error if one
// of them cannot be decoded into.
func (c Config) With(prog Program) (Config, error) {
	p, ok := prog.(TableProvider)
	if !ok {
		return c, nil
	}
	c.Tables = slices.Clone(c.Tables)
	for name, table := range p.Tables() {
		if t := reflect.TypeOf(table); t == nil || t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct || name == ownTable {
			return c, fmt.Errorf("%w: the program's table %q is a %T: it has to be a pointer to a struct, and no table of holdfast's", ErrConfig, name, table)
		}
		if !slices.Contains(c.Tables, name) {
			c.Tables = append(c.Tables, name)
		}
	}
	slices.Sort(c.Tables)
	if c.original != nil { // it has been loaded: the next time, it knows them as well
		original := *c.original
		original.Tables = c.Tables
		c.original = &original
	}
	return c, nil
}
