package service

import (
	"cmp"
	"encoding"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// WriteSample writes an initial configuration file for people to edit. It has every key of the
// [service] table, then those of prog's tables if it is a [TableProvider]. Each key is
// commented out, with its meaning and its default. The defaults come from c as set in code. If
// the "#" before the keys is removed, the file has the same meaning as an empty one.
func WriteSample(w io.Writer, c Config, prog Program) error {
	code := c.origin()
	s := sample{w: w}
	s.line("# The configuration of %s. Every key is commented out and shows its default.", cmp.Or(code.Name, "the service"))
	s.table(ownTable, reflect.ValueOf(code.withDefaults()).Elem(), reflect.ValueOf(defaults()).Elem())
	for _, e := range code.Extensions {
		name, defaults := e.Table()
		v := reflect.ValueOf(defaults).Elem()
		s.table(ownTable+"."+name, v, v)
	}
	if p, ok := prog.(TableProvider); ok {
		tables := p.Tables()
		for _, name := range slices.Sorted(maps.Keys(tables)) {
			v := reflect.ValueOf(tables[name]).Elem()
			s.table(name, v, v)
		}
	}
	return s.err
}

// A sample writes a configuration file. After an error it writes nothing more.
type sample struct {
	w   io.Writer
	err error
}

func (s *sample) line(format string, args ...any) {
	if s.err == nil {
		_, s.err = fmt.Fprintf(s.w, format+"\n", args...)
	}
}

// table writes the keys of a table that is decoded into the struct v. A zero in v stands for
// the value in fallback. The keys of a table come before those of its subtables.
func (s *sample) table(name string, v, fallback reflect.Value) {
	type key struct{ name, meaning, value string }
	tables := []string{name}
	keys := map[string][]key{}
	other := map[string]reflect.Value{}
	eachKey(fallback, "", func(key string, _ reflect.StructField, value reflect.Value) { other[key] = value })
	eachKey(v, "", func(path string, field reflect.StructField, value reflect.Value) {
		if value.IsZero() {
			value = other[path]
		}
		in, last := name, path
		if i := strings.LastIndexByte(path, '.'); i >= 0 {
			in, last = name+"."+path[:i], path[i+1:]
		}
		if !slices.Contains(tables, in) {
			tables = append(tables, in)
		}
		keys[in] = append(keys[in], key{last, field.Tag.Get("help"), tomlValue(value)})
	})
	for _, in := range tables {
		s.line("\n[%s]", in)
		for _, k := range keys[in] {
			for text := range strings.Lines(k.meaning) {
				s.line("# %s", strings.TrimSuffix(text, "\n"))
			}
			if k.value == "" {
				s.line("# %s = ... has no default.", k.name)
				continue
			}
			s.line("#%s = %s", k.name, k.value)
		}
	}
}

// tomlValue returns a value as in a TOML file, or "" if it means the same as no value.
func tomlValue(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return ""
		}
	default:
	}
	switch value := v.Interface().(type) {
	case time.Duration:
		return strconv.Quote(short(value))
	case Switch:
		return value.String()
	case encoding.TextMarshaler:
		text, err := value.MarshalText()
		if err != nil {
			return ""
		}
		return tomlString(string(text))
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return tomlValue(v.Elem())
	case reflect.String:
		return tomlString(v.String())
	case reflect.Slice, reflect.Array:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = tomlValue(v.Index(i))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case reflect.Map:
		return tomlMap(v)
	case reflect.Struct:
		items := []string{}
		for i := range v.NumField() {
			if name := keyName(v.Type().Field(i)); name != "" {
				items = append(items, tomlString(name)+" = "+tomlValue(v.Field(i)))
			}
		}
		return "{" + strings.Join(items, ", ") + "}"
	default:
		return fmt.Sprint(v.Interface())
	}
}

func tomlMap(v reflect.Value) string {
	items := []string{}
	for name, value := range v.Seq2() {
		items = append(items, tomlString(name.String())+" = "+tomlValue(value))
	}
	slices.Sort(items)
	return "{" + strings.Join(items, ", ") + "}"
}

// tomlString returns s as a basic string of TOML, which has fewer escapes than Go.
func tomlString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
