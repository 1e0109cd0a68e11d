package service

import (
	"io"
	"reflect"
	"strings"
)

// WriteConfig writes a configuration file whose [service] table has the settings of c: the
// keys with values other than the defaults, in the order of [Keys]. It leaves out the name,
// which a file cannot change.
func WriteConfig(w io.Writer, c Config) error {
	s := sample{w: w}
	s.line("[%s]", ownTable)
	in := ownTable
	usual := map[string]string{}
	eachKey(reflect.ValueOf(defaults()).Elem(), "", func(key string, _ reflect.StructField, v reflect.Value) { usual[key] = tomlValue(v) })
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
