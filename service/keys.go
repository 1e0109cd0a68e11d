package service

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/service/logsink"
)

// A Key is a key of the [service] table.
type Key struct {
	Name    string // with its tables: "restart.delay"
	Default string // as in a TOML file; "" if no value means the same as leaving the key out
	Meaning string // one line for people
}

// Keys returns all keys of the [service] table, in the order of [Config] and of the tables in
// it.
func Keys() []Key {
	var keys []Key
	eachKey(reflect.ValueOf(defaults()).Elem(), "", func(name string, field reflect.StructField, value reflect.Value) {
		keys = append(keys, Key{Name: name, Default: literal(value), Meaning: field.Tag.Get("help")})
	})
	return keys
}

// defaults returns the Config of a service without any settings.
func defaults() *Config {
	c := &Config{Log: logsink.Defaults()}
	c.complete()
	return c
}

// eachKey visits the keys of a table that is decoded into the struct v. table is a prefix for
// their names.
func eachKey(v reflect.Value, table string, visit func(name string, field reflect.StructField, value reflect.Value)) {
	eachIf(func(reflect.Value) bool { return true }, v, table, visit)
}

// eachSet is eachKey without the keys whose values are zero. They are most, and every start
// asks for the others.
func eachSet(v reflect.Value, table string, visit func(name string, field reflect.StructField, value reflect.Value)) {
	eachIf(func(v reflect.Value) bool { return !v.IsZero() }, v, table, visit)
}

func eachIf(wanted func(reflect.Value) bool, v reflect.Value, table string, visit func(name string, field reflect.StructField, value reflect.Value)) {
	for i := range v.NumField() {
		if !wanted(v.Field(i)) {
			continue
		}
		field := v.Type().Field(i)
		if embedded(field) {
			eachIf(wanted, v.Field(i), table, visit)
			continue
		}
		key := keyName(field)
		if key == "" {
			continue
		}
		if field.Type.Kind() == reflect.Struct && !reflect.PointerTo(field.Type).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
			eachIf(wanted, v.Field(i), table+key+".", visit)
			continue
		}
		visit(table+key, field, v.Field(i))
	}
}

// embedded reports whether the keys of a field, which is a struct, are keys of the table
// itself.
func embedded(field reflect.StructField) bool {
	return field.Anonymous && field.Type.Kind() == reflect.Struct && field.Tag.Get("toml") == ""
}

// keyName returns the key that is decoded into a field, or "" if there is none.
func keyName(field reflect.StructField) string {
	key, _, _ := strings.Cut(field.Tag.Get("toml"), ",")
	switch {
	case !field.IsExported() || key == "-":
		return ""
	case key == "":
		return field.Name
	}
	return key
}

// literal returns a value as in a TOML file.
func literal(v reflect.Value) string {
	switch value := v.Interface().(type) {
	case time.Duration:
		return strconv.Quote(short(value))
	case Switch:
		return value.String()
	}
	switch v.Kind() {
	case reflect.String:
		return strconv.Quote(v.String())
	case reflect.Slice:
		return "[]"
	case reflect.Map:
		return "{}"
	case reflect.Pointer: // a pointer tells a missing value from zero
		return ""
	}
	return fmt.Sprint(v.Interface())
}

// short formats d without the trailing zeros of Duration.String: "1m", not "1m0s".
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
