package kardianos

import (
	"reflect"
	"strings"

	"github.com/kardianos/service"
)

// ofLibrary reports whether s is one of the library's own systems.
func ofLibrary(s service.System) bool {
	t := reflect.TypeOf(s)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	path := t.PkgPath()
	return path == "github.com/kardianos/service" || strings.HasSuffix(path, "/vendor/github.com/kardianos/service")
}

// around is a System of the program's own with ours in it: the first exported field that
// holds a System has that adopted. One that has no such field stays as it is, and so does
// one that is a pointer, but for that field.
func around(s service.System) service.System {
	v := reflect.ValueOf(s)
	target := v
	if v.Kind() == reflect.Struct { // a copy, that can be written to
		target = reflect.New(v.Type())
		target.Elem().Set(v)
	}
	if target.Kind() != reflect.Pointer || target.Elem().Kind() != reflect.Struct {
		return s
	}
	of := reflect.TypeFor[service.System]()
	for i := range target.Elem().NumField() {
		field := target.Elem().Field(i)
		if field.Type() != of || !field.CanSet() || field.IsNil() {
			continue
		}
		inner, is := reflect.TypeAssert[service.System](field)
		if !is {
			continue
		}
		field.Set(reflect.ValueOf(adopted(inner)))
		if v.Kind() != reflect.Struct {
			return s
		}
		if copied, is := reflect.TypeAssert[service.System](target.Elem()); is {
			return copied
		}
	}
	return s
}
