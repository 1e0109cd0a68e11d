package service

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/BurntSushi/toml"
)

// A Setting is a key of the configuration in force, with its tables ("service.restart.delay").
type Setting struct {
	Key string `json:"key"`
	// Value is the value as in a TOML file. It is empty if there is none, or if it is Hidden.
	Value string `json:"value"`
	// Hidden means that the value may be a secret. This applies to [service] env, the URL of a
	// web hook, and every value that the file sets in a table of the program. There the tag
	// show:"true" of a field makes its value visible.
	Hidden bool `json:"hidden,omitempty"`
	// From is "FILE:LINE", "command line" (of this command, or as install recorded it), "program"
	// for a value set in code, or "default".
	From string `json:"from"`
}

// hidden is shown to people instead of a value that may be a secret.
const hidden = "(not shown)"

// String returns KEY = VALUE, and where the value comes from.
func (s Setting) String() string {
	value := s.Value
	switch {
	case s.Hidden:
		value = hidden
	case value == "":
		value = "(none)"
	}
	return fmt.Sprintf("%s = %s  # %s", s.Key, value, s.From)
}

// InForce returns all settings of c, which has been loaded, in the order of [Keys]. The tables
// of prog follow, if it is a [TableProvider]. InForce reads c.File.
func (c Config) InForce(prog Program) ([]Setting, error) {
	f := file{path: c.File}
	if c.File != "" {
		text, err := readFile(c.File)
		if err != nil {
			return nil, err
		}
		f.text = text
	}
	code := c.origin()
	without := *code // without the command line
	without.Override = nil
	plain, err := without.Load()
	if err != nil {
		return nil, err
	}
	values := func(c *Config) map[string]reflect.Value {
		all := map[string]reflect.Value{}
		eachKey(reflect.ValueOf(c).Elem(), "", func(name string, _ reflect.StructField, v reflect.Value) { all[name] = v })
		return all
	}
	ofFile, ofCode, usual := values(&plain), values(code), values(defaults())
	var settings []Setting
	eachKey(reflect.ValueOf(c), "", func(name string, _ reflect.StructField, v reflect.Value) {
		s := Setting{Key: ownTable + "." + name, Value: tomlValue(v), From: "default"}
		line := f.lineOf(keyOf(toml.Key{ownTable}, name))
		switch {
		case digest(v) != digest(ofFile[name]):
			s.From = "command line"
		case line > 0:
			s.From = fmt.Sprintf("%s:%d", c.File, line)
		case digest(ofCode[name]) != "" && digest(ofCode[name]) != digest(usual[name]):
			s.From = "program"
		}
		if secret := name == "env" || name == "alarm.webhook"; secret && v.Len() > 0 {
			s.Value, s.Hidden = "", true
		}
		if s.From == "default" && v.IsZero() { // show the default that zero stands for
			s.Value = tomlValue(usual[name])
		}
		settings = append(settings, s)
	})
	place := func(s Setting, key toml.Key, field reflect.StructField) {
		if line := f.lineOf(key); line > 0 {
			s.From = fmt.Sprintf("%s:%d", c.File, line)
			if field.Tag.Get("show") != "true" {
				s.Value, s.Hidden = "", true
			}
		}
		settings = append(settings, s)
	}
	c.eachExtended(func(name string, field reflect.StructField, v, _ reflect.Value) {
		place(Setting{Key: ownTable + "." + name, Value: tomlValue(v), From: "default"}, keyOf(toml.Key{ownTable}, name), field)
	})
	p, ok := prog.(TableProvider)
	if !ok {
		return settings, nil
	}
	tables := p.Tables()
	for _, table := range slices.Sorted(maps.Keys(tables)) {
		if err := c.DecodeTable(table, tables[table]); err != nil {
			return nil, err
		}
		eachKey(reflect.ValueOf(tables[table]).Elem(), "", func(name string, field reflect.StructField, v reflect.Value) {
			place(Setting{Key: table + "." + name, Value: tomlValue(v), From: "program"}, keyOf(toml.Key{table}, name), field)
		})
	}
	return settings, nil
}

// lineOf returns the line of a key, or 0 if the file does not have it. The key may also be a
// table that is the value of one key.
func (f file) lineOf(key toml.Key) int {
	if f.text == "" {
		return 0
	}
	return f.line(key)
}
