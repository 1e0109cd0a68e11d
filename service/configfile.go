package service

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"github.com/holdfast-dev/holdfast/platform"
)

// ownTable is holdfast's own table in the configuration file.
const ownTable = "service"

// Load reads the [service] table of c.File over c, fills in the defaults and checks the
// result. Without a file it only does the latter two.
//
// The file may set the name of a service that has none, but it cannot change a name: the
// program decides which service it is, and whoever starts it chooses [Config.Instance]. Every
// key must be known, either to holdfast or as part of a table in c.Tables. The error is
// [ErrConfig] and names file, line and key.
func (c Config) Load() (Config, error) {
	loaded, err := c.load(readFile)
	return *loaded, err
}

// LoadAs is like Load, but takes text as the content of c.File. [Config.DecodeTable] of the
// result uses the same text.
func (c Config) LoadAs(text string) (Config, error) {
	loaded, err := c.load(func(string) (string, error) { return text, nil })
	loaded.text = &text
	return *loaded, err
}

// content returns the content of c.File.
func (c *Config) content() (string, error) {
	if c.text != nil {
		return *c.text, nil
	}
	return readFile(c.File)
}

// load is Load, with the content of c.File from read. It leaves c alone, and returns another
// Config even if it fails.
func (c *Config) load(read func(path string) (string, error)) (*Config, error) {
	original := c.origin()
	c = original.detached()
	c.original = original
	if c.File == "" {
		c.override()
		c.complete()
		c.programSettings = map[string]string{}
		err := c.extend(file{})
		c.completeCluster()
		return c, errors.Join(err, c.check())
	}
	text, err := read(c.File)
	if err != nil {
		return c, err
	}
	doc := struct {
		Service *Config `toml:"service"`
	}{c}
	f := file{path: c.File, text: text}
	c.Sockets = nil // a list of the file's is the whole list, and no layer over the code's
	md, wrong, err := f.sift(&doc)
	if err != nil {
		return c, badConfig(byLine(append(wrong, err)...))
	}
	own := toml.Key{ownTable}
	if !md.IsDefined(ownTable, "socket") {
		c.Sockets = original.detached().Sockets
	}
	unknown := slices.DeleteFunc(md.Undecoded(), func(k toml.Key) bool {
		return slices.Contains(c.Tables, k[0]) || c.extended(k) || free(k, reflect.ValueOf(c).Elem(), own)
	})
	hint := func(k toml.Key) string {
		if len(k) > 1 && k[0] == ownTable {
			if text := c.unasked(k[1]); text != "" {
				return text
			}
			return suggest(k, reflect.TypeFor[Config]())
		}
		if near := nearest(k[0], append([]string{ownTable}, c.Tables...)); near != "" && near != k[0] {
			return didYouMean(near)
		}
		return misplaced(append(toml.Key{ownTable}, k...), reflect.TypeFor[Config]()) // the key is in no table
	}
	wrong = append(wrong, f.unknown(unknown, hint), f.bareDurations(md, reflect.ValueOf(c).Elem(), own), f.kinds(md, reflect.ValueOf(c).Elem(), own), f.zeros(md, c), f.another(original, c))
	wrong = append(wrong, c.extend(f))
	asRead := *c
	c.override()
	c.complete()
	c.completeCluster()
	if err := c.check(); err != nil {
		wrong = append(wrong, f.locate(own, err))
	}
	if err := byLine(wrong...); err != nil {
		return &asRead, badConfig(err)
	}
	c.programSettings = f.programSettings()
	return c, nil
}

func (c *Config) override() {
	if c.Override != nil {
		c.Override(c)
	}
}

// DecodeTable decodes the program's own table of the configuration file at path into dst, a
// pointer to a struct with the defaults. A key that dst does not have is an error. If there is
// no such table, or path is empty, dst keeps its values.
//
// Then, if dst has a method
//
//	Validate() error
//
// DecodeTable calls it to check the values together. If Validate returns a [*FieldError],
// alone or joined with others, DecodeTable adds the line of the key. The error is [ErrConfig],
// names file, line and key, and consists of [*ConfigError]s.
func DecodeTable(path, table string, dst any) error {
	return Config{File: path}.DecodeTable(table, dst)
}

// validTable decodes a table into dst and calls its Validate.
func (f file) validTable(table toml.Key, dst any) error {
	if err := f.decodeTable(table, dst); err != nil {
		return err
	}
	if v, ok := dst.(interface{ Validate() error }); ok {
		return badConfig(f.locate(table, v.Validate()))
	}
	return nil
}

// DecodeTable decodes the program's own table of c.File: see the function [DecodeTable].
func (c Config) DecodeTable(table string, dst any) error {
	f := file{path: c.File}
	if c.File != "" {
		text, err := c.content()
		if err != nil {
			return err
		}
		f.text = text
	}
	return f.validTable(toml.Key{table}, dst)
}

func (f file) decodeTable(table toml.Key, dst any) error {
	var doc map[string]toml.Primitive
	md, err := toml.Decode(f.text, &doc)
	if err != nil {
		return f.wrap(err)
	}
	for _, outer := range table[:len(table)-1] {
		raw, ok := doc[outer]
		if !ok {
			return nil
		}
		doc = nil
		if err := md.PrimitiveDecode(raw, &doc); err != nil {
			return f.wrap(err)
		}
	}
	raw, ok := doc[table[len(table)-1]]
	if !ok {
		return nil
	}
	into := reflect.ValueOf(dst).Elem()
	detach(into)
	if err := md.PrimitiveDecode(raw, dst); err != nil {
		return f.wrap(err)
	}
	unknown := slices.DeleteFunc(md.Undecoded(), func(k toml.Key) bool {
		return len(k) <= len(table) || !slices.Equal(k[:len(table)], table) || free(k, into, table)
	})
	hint := func(k toml.Key) string {
		return suggest(append(toml.Key{table.String()}, k[len(table):]...), into.Type())
	}
	return badConfig(errors.Join(f.unknown(unknown, hint), f.bareDurations(md, into, table), f.kinds(md, into, table)))
}

// A file is a configuration file and can locate keys in its text.
type file struct{ path, text string }

// wrap turns an error of the TOML library into a ConfigError.
func (f file) wrap(err error) error {
	// For some wrong values the library names the place in its text only. The pattern is
	// compiled here, because a global one would cost every service time before main.
	libraryPlace := regexp.MustCompile(`^toml: (?:line (\d+) )?\((?:last )?key "(.*?)"\): `)
	bad := &ConfigError{File: f.path, Err: errors.New(strings.TrimPrefix(err.Error(), "toml: "))}
	if at, ok := errors.AsType[toml.ParseError](err); ok {
		bad.Line, bad.Key, bad.Err = at.Position.Line, at.LastKey, errors.New(at.Message)
	} else if m := libraryPlace.FindStringSubmatch(err.Error()); m != nil {
		bad.Line, _ = strconv.Atoi(m[1])
		bad.Key, bad.Err = m[2], errors.New(err.Error()[len(m[0]):])
	}
	return badConfig(bad)
}

// at returns an error about key.
func (f file) at(key toml.Key, format string, args ...any) error {
	return &ConfigError{File: f.path, Line: f.line(key), Key: key.String(), Err: fmt.Errorf(format, args...)}
}

// line returns the line on which the value of key ends, or 0. It asks the parser for the
// smallest number of lines from the top that define the key.
// In the key, a number is the index of a table in a list, counted from 1. A list without a
// number stands for any of its tables.
func (f file) line(key toml.Key) int {
	lines := strings.SplitAfter(f.text, "\n")
	for n := range lines {
		var doc map[string]any
		if _, err := toml.Decode(strings.Join(lines[:n+1], ""), &doc); err == nil && defined(doc, key) {
			return n + 1
		}
	}
	if last := len(key) - 1; last > 1 && isNumber(key[last-1]) { // it is missing in that table
		return f.line(key[:last])
	}
	return 0
}

func isNumber(word string) bool {
	_, err := strconv.Atoi(word)
	return err == nil
}

// defined reports whether key leads to something in a decoded document.
func defined(in any, key toml.Key) bool {
	if len(key) == 0 {
		return true
	}
	switch in := in.(type) {
	case map[string]any:
		value, ok := in[key[0]]
		return ok && defined(value, key[1:])
	case []map[string]any:
		return definedInList(in, key)
	case []any: // of tables that stand in one line
		return definedInList(in, key)
	}
	return false
}

func definedInList[T any](in []T, key toml.Key) bool {
	if n, err := strconv.Atoi(key[0]); err == nil {
		return n >= 1 && n <= len(in) && defined(in[n-1], key[1:])
	}
	return slices.ContainsFunc(in, func(table T) bool { return defined(table, key) })
}

func (f file) unknown(keys []toml.Key, hint func(toml.Key) string) error {
	var errs []error
	for _, k := range keys {
		// For an unknown table, report only the table.
		if !slices.ContainsFunc(keys, func(p toml.Key) bool { return len(p) < len(k) && slices.Equal(p, k[:len(p)]) }) {
			errs = append(errs, f.at(k, "unknown: %s", hint(k)))
		}
	}
	return errors.Join(errs...)
}

// bareDurations refuses a duration without a unit. The library reads it as nanoseconds, which
// nobody means who writes stop_timeout = 30.
func (f file) bareDurations(md toml.MetaData, v reflect.Value, table toml.Key) error {
	var errs []error
	eachKey(v, "", func(name string, field reflect.StructField, _ reflect.Value) {
		key := keyOf(table, name)
		t := field.Type
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t == reflect.TypeFor[time.Duration]() && md.Type(key...) == "Integer" {
			errs = append(errs, f.at(key, `a duration needs a unit, as in "30s"`))
		}
	})
	return errors.Join(errs...)
}

// kinds refuses values of a wrong kind that the library accepts: a negative number for an
// unsigned field, which would become a huge one, and a list for a table.
func (f file) kinds(md toml.MetaData, v reflect.Value, table toml.Key) error {
	var errs []error
	eachKey(v, "", func(name string, _ reflect.StructField, value reflect.Value) {
		key := keyOf(table, name)
		if value.Kind() == reflect.Pointer {
			value = value.Elem()
		}
		switch {
		case value.CanUint() && md.Type(key...) == "Integer" && value.Uint() > math.MaxInt64:
			errs = append(errs, f.at(key, "%d is negative", int64(value.Uint()))) //nolint:gosec // undoes the library's conversion
		case value.Kind() == reflect.Map && strings.HasPrefix(md.Type(key...), "Array"):
			errs = append(errs, f.at(key, "is a list, but has to be a table: {A = 1}"))
		}
	})
	return errors.Join(errs...)
}

// zeros refuses a zero in the file if it would stand for a default that is another value.
func (f file) zeros(md toml.MetaData, c *Config) error {
	var errs []error
	said := map[string]bool{}
	eachKey(reflect.ValueOf(c).Elem(), "", func(name string, _ reflect.StructField, value reflect.Value) {
		said[name] = value.IsZero() && md.IsDefined(keyOf(toml.Key{ownTable}, name)...)
	})
	eachKey(reflect.ValueOf(defaults()).Elem(), "", func(name string, _ reflect.StructField, value reflect.Value) {
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
		errs = append(errs, f.at(keyOf(toml.Key{ownTable}, name), "no value would mean the default, %s: %s", literal(value), instead))
	})
	return errors.Join(errs...)
}

// another refuses a file that changes the name of the service. A command that runs without
// that file would find another service.
func (f file) another(code, c *Config) error {
	possible := platform.CheckName(c.Name) == nil // Check reports an invalid name
	if code.Name == "" || c.Name == code.Name || !possible {
		return nil
	}
	return f.at(toml.Key{ownTable, "name"}, "%q is not this program's service, %q: leave the key out (for a further instance of the service: --instance)", c.Name, code.Name)
}

// free reports whether key is below a key that accepts any value. The library lists such keys
// as undecoded.
func free(key toml.Key, v reflect.Value, table toml.Key) (is bool) {
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

// keyOf returns the key for the dotted name in table.
func keyOf(table toml.Key, name string) toml.Key {
	return append(slices.Clone(table), strings.Split(name, ".")...)
}

// locate adds file and line to an error, or to each of the joined errors, that name keys of
// table. An error without a key concerns the table. A key that is not in the file has its
// value from code or a flag.
func (f file) locate(table toml.Key, err error) error {
	var errs []error
	for _, e := range ConfigErrors(err) {
		if e.File != "" {
			errs = append(errs, e)
			continue
		}
		key := table
		if e.Key != "" {
			key = keyOf(table, strings.TrimPrefix(e.Key, ownTable+"."))
		}
		errs = append(errs, f.at(key, "%w", e.Err))
	}
	return errors.Join(errs...)
}
