package service

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/BurntSushi/toml"
)

// An Extension is an optional part that only the programs that use it pay for, such as package
// service/metrics. [Config.Extensions] names it. It has a table within [service] in the
// configuration file, and it begins with each life. A change of its table takes effect at the
// next start.
type Extension interface {
	// Table returns the name of its table in [service], and a pointer to a struct with the
	// defaults, as for the function [DecodeTable]. The struct is decoded, and its Validate
	// called, whenever a configuration is loaded. Table may be called at any time, in any
	// process.
	Table() (name string, defaults any)
	// Attach begins the extension. settings is the value that Table returned, decoded from the
	// file. Attach is called once in each life, before [Recoverer.Recover] and
	// [Program.Start]. It shares their context and time limit. It ends what it began in a step
	// of [Runtime.OnStop], which runs after the steps that the program adds. An error fails
	// the start.
	Attach(ctx context.Context, rt *Runtime, settings any) error
}

// extended reports whether key is in the table of an extension.
func (c Config) extended(key toml.Key) bool {
	for _, e := range c.Extensions {
		if name, _ := e.Table(); len(key) > 1 && key[0] == ownTable && key[1] == name {
			return true
		}
	}
	return false
}

// unasked returns a hint if table belongs to an extension of holdfast that c does not include,
// or "" otherwise.
func (c Config) unasked(table string) string {
	if table != "metrics" || c.extended(toml.Key{ownTable, table}) {
		return ""
	}
	return "this program does not ask for package service/metrics: it does by service.Config{Extensions: []service.Extension{metrics.New()}}"
}

// extend returns c with the tables of its extensions decoded from f, and the errors in those
// tables.
func (c Config) extend(f file) (Config, error) {
	c.extensions = map[string]any{}
	if len(c.Extensions) == 0 {
		return c, nil
	}
	var errs []error
	own := keysOf(reflect.TypeFor[Config](), nil)
	for _, e := range c.Extensions {
		name, settings := e.Table()
		t := reflect.TypeOf(settings)
		switch _, twice := c.extensions[name]; {
		case t == nil || t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct:
			errs = append(errs, badConfig(fmt.Errorf("the table of the extension %q is a %T: it has to be a pointer to a struct", name, settings)))
			continue
		case twice || nearest(name, own) == name:
			errs = append(errs, badConfig(fmt.Errorf("the extension %q: there is a table or a key of that name already", name)))
			continue
		}
		errs = append(errs, f.validTable(toml.Key{ownTable, name}, settings))
		c.extensions[name] = settings
	}
	return c, errors.Join(errs...)
}

// eachExtended visits the keys in the tables of c's extensions, in their order, with their
// values and defaults.
func (c Config) eachExtended(visit func(name string, field reflect.StructField, value, usual reflect.Value)) {
	for _, e := range c.Extensions {
		name, defaults := e.Table()
		settings := c.extensions[name]
		if settings == nil {
			settings = defaults
		}
		usual := map[string]reflect.Value{}
		eachKey(reflect.ValueOf(defaults).Elem(), name+".", func(key string, _ reflect.StructField, v reflect.Value) { usual[key] = v })
		eachKey(reflect.ValueOf(settings).Elem(), name+".", func(key string, field reflect.StructField, v reflect.Value) {
			visit(key, field, v, usual[key])
		})
	}
}

// extend begins the extensions.
func (l *life) extend(ctx context.Context) error {
	rt := FromContext(ctx)
	for _, e := range l.cfg.Extensions {
		name, _ := e.Table()
		if err := protect("the extension "+name, func() error { return e.Attach(ctx, rt, l.cfg.extensions[name]) }); err != nil {
			return err
		}
	}
	return nil
}
