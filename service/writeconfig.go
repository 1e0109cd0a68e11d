package service

import (
	"io"
	"reflect"
	"strings"
)

// WriteConfig writes the [service] table of a configuration file that says what c
// does: the keys with another value than the default, in the order of [Keys]. The
// name, which a file may not change, is not among them.
func WriteConfig(w io.Writer, c Config) error {
	s := sample{w: w}
	s.line("[%s]", ownTable)
	in := ownTable
	usual := map[string]string{}
	eachKey(reflect.ValueOf(defaults()), "", func(key string, _ reflect.StructField, v reflect.Value) { usual[key] = tomlValue(v) })
	eachKey(reflect.ValueOf(c), "", func(path string, _ reflect.StructField, v reflect.Value) {
		value := tomlValue(v)
		if path == "name" || digest(v) == "" || value == usual[path] {
			return
		}
		table, key := ownTable, path
		if i := strings.LastIndexByte(path, '.'); i >= 0 {
			table, key = ownTable+"."+path[:i], path[i+1:]
		}
		if table != in {
			s.line("\n[%s]", table)
			in = table
		}
		s.line("%s = %s", key, value)
	})
	return s.err
}
