package service

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// ownTable is the table of the configuration file that belongs to holdfast.
const ownTable = "service"

// Load reads the [service] table of c.File over c, fills in the defaults and
// checks the result. Without a file it only does the latter. Every key must be
// known: to holdfast in its own table, or in a table that c.Tables declares the
// program's. The error is [ErrConfig] and names file, line and key.
func (c Config) Load() (Config, error) {
	original := c.origin()
	c = original.detached()
	c.original = &original
	if c.File == "" {
		c = c.overridden().withDefaults()
		return c, c.Check()
	}
	text, err := readFile(c.File)
	if err != nil {
		return c, err
	}
	doc := struct {
		Service *Config `toml:"service"`
	}{&c}
	f := file{path: c.File, text: text}
	md, err := toml.Decode(f.text, &doc)
	if err != nil {
		return c, f.wrap(err)
	}
	unknown := slices.DeleteFunc(md.Undecoded(), func(k toml.Key) bool {
		return slices.Contains(c.Tables, k[0]) || free(k, reflect.ValueOf(c), ownTable)
	})
	if err := errors.Join(f.unknown(unknown), f.bareDurations(md, reflect.ValueOf(c), ownTable), f.zeros(md, c)); err != nil {
		return c, f.wrap(err)
	}
	c = c.overridden().withDefaults()
	if err := c.Check(); err != nil {
		return c, f.locateFields(err)
	}
	return c, nil
}

func (c Config) overridden() Config {
	if c.Override != nil {
		c.Override(&c)
	}
	return c
}

// DecodeTable reads the program's own table out of a configuration file into
// dst, a pointer to a struct, over the values it has. A key that dst does not
// know is an error. If there is no such table, dst is left as it is. The error
// is [ErrConfig] and names file, line and key.
func DecodeTable(path, table string, dst any) error {
	text, err := readFile(path)
	if err != nil {
		return err
	}
	f := file{path: path, text: text}
	var doc map[string]toml.Primitive
	md, err := toml.Decode(f.text, &doc)
	if err != nil {
		return f.wrap(err)
	}
	raw, ok := doc[table]
	if !ok {
		return nil
	}
	into := reflect.ValueOf(dst).Elem()
	detach(into)
	if err := md.PrimitiveDecode(raw, dst); err != nil {
		return f.wrap(err)
	}
	unknown := slices.DeleteFunc(md.Undecoded(), func(k toml.Key) bool {
		return k[0] != table || len(k) == 1 || free(k, into, table)
	})
	if err := errors.Join(f.unknown(unknown), f.bareDurations(md, into, table)); err != nil {
		return f.wrap(err)
	}
	return nil
}

// file is a configuration file, to say where in it something is wrong.
type file struct{ path, text string }

func (f file) wrap(err error) error {
	// The library's errors name line and key themselves.
	return fmt.Errorf("%w: %s: %s", ErrConfig, f.path, strings.TrimPrefix(err.Error(), "toml: "))
}

// at says where key is, in the words of the library's own errors.
func (f file) at(key toml.Key) string {
	if line := f.line(key); line > 0 {
		return fmt.Sprintf("line %d (key %q)", line, key)
	}
	return fmt.Sprintf("key %q", key)
}

// line is the line on which the value of key ends, found by asking the parser:
// it is the last of the fewest lines from the top that define the key.
func (f file) line(key toml.Key) int {
	lines := strings.SplitAfter(f.text, "\n")
	for n := range lines {
		var doc map[string]any
		md, err := toml.Decode(strings.Join(lines[:n+1], ""), &doc)
		if err == nil && md.IsDefined(key...) {
			return n + 1
		}
	}
	return 0
}

func (f file) unknown(keys []toml.Key) error {
	var errs []error
	for _, k := range keys {
		// Of an unknown table only the table is named.
		if !slices.ContainsFunc(keys, func(p toml.Key) bool { return len(p) < len(k) && slices.Equal(p, k[:len(p)]) }) {
			errs = append(errs, fmt.Errorf("%s: unknown: is it misspelt?", f.at(k)))
		}
	}
	return errors.Join(errs...)
}

// bareDurations refuses a duration without a unit, which the library reads as
// nanoseconds: nobody who writes stop_timeout = 30 means that.
func (f file) bareDurations(md toml.MetaData, v reflect.Value, table string) error {
	var errs []error
	eachKey(v, "", func(name string, field reflect.StructField, _ reflect.Value) {
		key := keyOf(table, name)
		t := field.Type
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t == reflect.TypeFor[time.Duration]() && md.Type(key...) == "Integer" {
			errs = append(errs, fmt.Errorf(`%s: a duration needs a unit, as in "30s"`, f.at(key)))
		}
	})
	return errors.Join(errs...)
}

// zeros refuses a zero in the file where it would stand for a default that is
// another value: what is written there means what it says.
func (f file) zeros(md toml.MetaData, c Config) error {
	var errs []error
	said := map[string]bool{}
	eachKey(reflect.ValueOf(c), "", func(name string, _ reflect.StructField, value reflect.Value) {
		said[name] = value.IsZero() && md.IsDefined(keyOf(ownTable, name)...)
	})
	eachKey(reflect.ValueOf(defaults()), "", func(name string, _ reflect.StructField, value reflect.Value) {
		if !said[name] || value.IsZero() {
			return
		}
		instead := "leave the key out for that"
		switch {
		case name == "restart.max":
			instead += `, write -1 for no limit, or policy = "never"`
		case value.Type() == reflect.TypeFor[time.Duration]():
			instead += `, or write "1ms" for next to nothing`
		}
		errs = append(errs, fmt.Errorf("%s: nothing would stand for the default, %s: %s", f.at(keyOf(ownTable, name)), literal(value), instead))
	})
	return errors.Join(errs...)
}

// free reports whether key is below one that takes anything: the library says that
// nobody asked for those.
func free(key toml.Key, v reflect.Value, table string) (is bool) {
	eachKey(v, "", func(name string, field reflect.StructField, _ reflect.Value) {
		t := field.Type
		for t.Kind() == reflect.Map || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		above := keyOf(table, name)
		is = is || t.Kind() == reflect.Interface && len(key) > len(above) && slices.Equal(above, key[:len(above)])
	})
	return is
}

// keyOf is the key called name, with its tables, of a table.
func keyOf(table, name string) toml.Key { return append(toml.Key{table}, strings.Split(name, ".")...) }

// locateFields adds file and line to the errors of [Config.Check]. A field that
// is not in the file has its value from code or a flag.
func (f file) locateFields(err error) error {
	var errs []error
	var walk func(error)
	walk = func(err error) {
		switch e := err.(type) { //nolint:errorlint // the tree itself is walked
		case *FieldError:
			errs = append(errs, fmt.Errorf("%s: %s: %w", f.path, f.at(keyOf(ownTable, e.Key)), e.Err))
		case interface{ Unwrap() []error }:
			for _, inner := range e.Unwrap() {
				walk(inner)
			}
		}
	}
	walk(err)
	return fmt.Errorf("%w: %w", ErrConfig, errors.Join(errs...))
}
