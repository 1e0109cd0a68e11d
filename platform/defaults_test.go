package platform_test

import (
	"reflect"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
)

// eachSet visits the non-zero fields of a struct and of the structs in it.
func eachSet(v, beside reflect.Value, at string, visit func(at string, field, beside reflect.Value)) {
	for i := range v.NumField() {
		name := at + v.Type().Field(i).Name
		switch {
		case v.Field(i).IsZero():
		case v.Field(i).Kind() == reflect.Struct:
			eachSet(v.Field(i), beside.Field(i), name+".", visit)
		default:
			visit(name, v.Field(i), beside.Field(i))
		}
	}
}

// WithDefaults sets every field in the table of defaults if it is zero, and no field that is
// set.
func TestWithDefaults(t *testing.T) {
	table := platform.Defaults()
	n := 0
	eachSet(reflect.ValueOf(table), reflect.ValueOf(platform.Unit{}.WithDefaults()), "", func(at string, want, got reflect.Value) {
		n++
		if !reflect.DeepEqual(want.Interface(), got.Interface()) {
			t.Errorf("%s: %v, want %v", at, got, want)
		}
	})
	if n < 8 {
		t.Errorf("the table has %d values", n)
	}
	other := platform.Defaults()
	eachSet(reflect.ValueOf(table), reflect.ValueOf(&other).Elem(), "", func(at string, _, field reflect.Value) {
		switch field.Kind() {
		case reflect.String:
			field.SetString("other")
		case reflect.Pointer:
			field.Set(reflect.New(field.Type().Elem()))
		case reflect.Int, reflect.Int64:
			field.SetInt(77)
		case reflect.Float64:
			field.SetFloat(77)
		default:
			t.Fatalf("%s: teach this test what to set it to", at)
		}
	})
	eachSet(reflect.ValueOf(other), reflect.ValueOf(other.WithDefaults()), "", func(at string, want, got reflect.Value) {
		if !reflect.DeepEqual(want.Interface(), got.Interface()) {
			t.Errorf("%s: %v, want %v, which was there", at, got, want)
		}
	})
}

// A text for people is never empty.
func TestTextsForPeople(t *testing.T) {
	u := platform.Unit{ID: platform.ID{Name: "feedd"}}.WithDefaults()
	if u.DisplayName != "feedd" || u.Description != "feedd" {
		t.Errorf("%q, %q", u.DisplayName, u.Description)
	}
	u = platform.Unit{ID: platform.ID{Name: "feedd"}, DisplayName: "Feed"}.WithDefaults()
	if u.DisplayName != "Feed" || u.Description != "Feed" {
		t.Errorf("%q, %q", u.DisplayName, u.Description)
	}
}

func TestPathsAnywhere(t *testing.T) {
	for path, dir := range map[string]string{
		"/a": "/", "/a/b c": "/a", "/": "/", `/a\b/c`: `/a\b`,
		`C:\a`: `C:\`, `C:\a\b`: `C:\a`, `C:/a/b`: `C:/a`, `C:\a/b\c`: `C:\a/b`, `\\server\share\x`: `\\server\share`,
	} {
		if !platform.AbsoluteAnywhere(path) {
			t.Errorf("%s is not absolute anywhere", path)
		}
		if got := platform.DirAnywhere(path); got != dir {
			t.Errorf("%s lies in %s, want %s", path, got, dir)
		}
	}
	for _, path := range []string{"", "a", "./a", `a\b`, "C:", "C:a", `\a`, "~"} {
		if platform.AbsoluteAnywhere(path) {
			t.Errorf("%q is absolute", path)
		}
	}
}
