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

// An adoption is one call of [Adopt]. It has the pointers that were followed, because a System
// may contain itself.
type adoption map[uintptr]bool

// around replaces the library's systems inside a System of the program. It changes a pointer's
// target in place, and copies other values. A value that contains no System stays unchanged.
func (a adoption) around(s service.System) (_ service.System, changed bool) {
	switch v := reflect.ValueOf(s); {
	case v.Kind() == reflect.Pointer && v.Elem().Kind() == reflect.Struct && !a[v.Pointer()]:
		a[v.Pointer()] = true
		return s, a.within(v.Elem())
	case v.Kind() == reflect.Struct:
		target := reflect.New(v.Type()).Elem()
		target.Set(v)
		if !a.within(target) {
			return s, false
		}
		return reflect.TypeAssert[service.System](target)
	}
	return s, false
}

// within adopts each System in the fields of a struct, exported or not, and in the structs
// inside it.
func (a adoption) within(v reflect.Value) (changed bool) {
	of := reflect.TypeFor[service.System]()
	for i := range v.NumField() {
		field := v.Field(i)
		switch field.Kind() {
		case reflect.Struct:
			changed = a.within(field) || changed
		case reflect.Interface, reflect.Pointer:
			if field.IsNil() || !field.Type().Implements(of) {
				continue
			}
			field = reflect.NewAt(field.Type(), field.Addr().UnsafePointer()).Elem() // this makes an unexported field settable
			inner, _ := reflect.TypeAssert[service.System](field)
			if now, is := a.adopted(inner); is && reflect.TypeOf(now).AssignableTo(field.Type()) {
				field.Set(reflect.ValueOf(now))
				changed = true
			}
		}
	}
	return changed
}
