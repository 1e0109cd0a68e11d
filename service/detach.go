package service

import "reflect"

// detach replaces the maps, slices and pointers in v by copies, at every depth, because a
// decoder writes into those it finds and others may share them. Unexported fields stay as they
// are: no decoder reaches them.
func detach(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				detach(v.Field(i))
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			detach(v.Index(i))
		}
	case reflect.Slice, reflect.Map, reflect.Pointer, reflect.Interface:
		does := v.Kind() == reflect.Interface && v.NumMethod() > 0 // no decoder writes into such a value
		if !v.IsNil() && !does {
			v.Set(copied(v))
		}
	default: // shares no memory
	}
}

// copied returns a copy of the value that v refers to. v is not nil.
func copied(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Slice:
		c := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(c, v)
		for i := range c.Len() {
			detach(c.Index(i))
		}
		return c
	case reflect.Map:
		c := reflect.MakeMapWithSize(v.Type(), v.Len())
		for entries := v.MapRange(); entries.Next(); {
			c.SetMapIndex(entries.Key(), detached(entries.Value()))
		}
		return c
	case reflect.Pointer:
		c := reflect.New(v.Type().Elem())
		c.Elem().Set(detached(v.Elem()))
		return c
	}
	return detached(v.Elem()) // an interface
}

func detached(v reflect.Value) reflect.Value {
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	detach(c)
	return c
}
