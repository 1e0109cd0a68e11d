package service

import "reflect"

// detach gives v maps, slices and pointers of its own, all the way down: a decoder
// writes into those that it finds, and others may hold them too. What is not
// exported stays as it is, since no decoder reaches it.
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
		does := v.Kind() == reflect.Interface && v.NumMethod() > 0 // no decoder writes into that
		if !v.IsNil() && !does {
			v.Set(copied(v))
		}
	default: // holds nothing that could be written to through another
	}
}

// copied is a copy of what v, which is not nil, leads to.
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
	return detached(v.Elem()) // of an interface
}

func detached(v reflect.Value) reflect.Value {
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	detach(c)
	return c
}
