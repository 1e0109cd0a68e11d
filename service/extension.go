package service

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

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
	// [Program.Start]. It shares their context and time limit. With a [Config.Cluster] it is
	// called before the election, so it must not wait for [Runtime.Term]. It ends what it began
	// in a step of [Runtime.OnStop], which runs after the steps that the program adds. An error
	// fails the start.
	Attach(ctx context.Context, rt *Runtime, settings any) error
}

// A Prober is an [Extension] that can answer the probes of what runs containers.
type Prober interface {
	// Probes returns the address, HOST:PORT, at which GET /livez and /readyz are answered to
	// other machines with these settings, or "" if they are not. The host may be empty.
	Probes(settings any) string
}

// probes returns the address of the first extension that answers probes.
func (c *Config) probes() string {
	for _, e := range c.Extensions {
		name, _ := e.Table()
		if p, ok := e.(Prober); ok && c.extensions[name] != nil {
			if at := p.Probes(c.extensions[name]); at != "" {
				return at
			}
		}
	}
	return ""
}

// An addedTable is a table within [service] that the core does not know.
type addedTable struct {
	name     string
	defaults any
}

// addedTables returns the tables of c's extensions, in their order, and that of its cluster.
func (c *Config) addedTables() (all []addedTable) {
	for _, e := range c.Extensions {
		name, defaults := e.Table()
		all = append(all, addedTable{name, defaults})
	}
	if c.Cluster != nil {
		all = append(all, addedTable{clusterTable, c.Cluster.Defaults()})
	}
	return all
}

// extended reports whether key is in one of c's addedTables.
func (c *Config) extended(key toml.Key) bool {
	return len(key) > 1 && key[0] == ownTable &&
		slices.ContainsFunc(c.addedTables(), func(t addedTable) bool { return t.name == key[1] })
}

// unasked returns a hint if table belongs to an extension of holdfast that c does not include,
// or "" otherwise.
func (c *Config) unasked(table string) string {
	switch {
	case c.extended(toml.Key{ownTable, table}):
	case table == "metrics":
		return "this program does not use package service/metrics: add service.Config{Extensions: []service.Extension{metrics.New()}}"
	case table == clusterTable:
		return "this program does not use an engine that elects one machine of several: add service.Config{Cluster: …}"
	}
	return ""
}

// extend returns c with its addedTables decoded from f, and the errors in them.
func (c *Config) extend(f file) error {
	c.extensions = map[string]any{}
	added := c.addedTables()
	if len(added) == 0 {
		return nil
	}
	var errs []error
	own := keysOf(reflect.TypeFor[Config](), nil)
	for _, added := range added {
		name, settings := added.name, added.defaults
		t := reflect.TypeOf(settings)
		switch _, twice := c.extensions[name]; {
		case t == nil || t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct:
			errs = append(errs, badConfig(fmt.Errorf("the table of the extension %q is a %T: it has to be a pointer to a struct", name, settings)))
			continue
		case twice || nearest(name, own) == name:
			errs = append(errs, badConfig(fmt.Errorf("the extension %q: there is already a table or a key of that name", name)))
			continue
		}
		errs = append(errs, f.validTable(toml.Key{ownTable, name}, settings))
		c.extensions[name] = settings
		if _, ok := settings.(clustered); name == clusterTable && !ok {
			errs = append(errs, badConfig(fmt.Errorf("the table of the cluster is a %T: it has to embed service.ClusterSettings", settings)))
		}
	}
	return errors.Join(errs...)
}

// eachExtended visits the keys in c's addedTables, in their order, with their values and
// defaults.
func (c *Config) eachExtended(visit func(name string, field reflect.StructField, value, usual reflect.Value)) {
	for _, added := range c.addedTables() {
		name, defaults := added.name, added.defaults
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
