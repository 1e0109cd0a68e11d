package service

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/BurntSushi/toml"
)

// Extension is something that some services want and the others do not pay for, such
// as package service/metrics: it is named in [Config.Extensions], has a table of
// [service] in the configuration file, and begins with each life. What a change of
// its table means takes effect at the next start.
type Extension interface {
	// Table returns the name of its table in [service], and a pointer to a struct with
	// the defaults, as the function [DecodeTable] takes it; it is decoded, and its
	// Validate asked, whenever a configuration is loaded. It may be called at any time,
	// in any process.
	Table() (name string, defaults any)
	// Attach begins it, with its table as the file has it: what Table returned, decoded
	// into. It is called once in each life, before [Recoverer.Recover] and
	// [Program.Start], whose time limit it shares; ctx is theirs. What it began it ends
	// in a step of [Runtime.OnStop], which runs after those that the program adds. Its
	// error fails the start.
	Attach(ctx context.Context, rt *Runtime, settings any) error
}

// extended reports whether key stands in the table of an extension.
func (c Config) extended(key toml.Key) bool {
	for _, e := range c.Extensions {
		if name, _ := e.Table(); len(key) > 1 && key[0] == ownTable && key[1] == name {
			return true
		}
	}
	return false
}

// unasked says of a table of [service] that one of holdfast's extensions has, which c does
// not name; empty: it is none of these.
func (c Config) unasked(table string) string {
	if table != "metrics" || c.extended(toml.Key{ownTable, table}) {
		return ""
	}
	return "this program does not ask for package service/metrics: it does by service.Config{Extensions: []service.Extension{metrics.New()}}"
}

// extend is c with the tables of its extensions as f has them, and what is wrong with those.
func (c Config) extend(f file) (Config, error) {
	var errs []error
	own := keysOf(reflect.TypeFor[Config](), nil)
	c.extensions = map[string]any{}
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

// eachExtended visits the keys of the tables of c's extensions, in their order, as c
// was loaded, with the defaults.
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
