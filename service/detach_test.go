package service_test

import (
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/service"
)

// filled sets every field of v, at every depth, to a value that is not zero.
func filled(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				filled(t, v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		filled(t, v.Index(0))
		filled(t, v.Index(1))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		filled(t, key)
		filled(t, value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		filled(t, v.Elem())
	case reflect.Interface:
		if v.Type() == reflect.TypeFor[service.Extension]() {
			v.Set(reflect.ValueOf(&extension{}))
			return
		}
		if v.NumMethod() > 0 {
			return // what does something, and is no value of the file's
		}
		v.Set(reflect.ValueOf([]any{"deep", map[string]any{"deeper": []any{"deepest"}}}))
	case reflect.String:
		v.SetString("code")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(1)
	case reflect.Float64:
		v.SetFloat(1)
	case reflect.Func: // cannot be written to
	default:
		t.Fatalf("%v: teach this test to fill it", v.Type())
	}
}

// shared calls found for all memory that a and b share and that can be written to. a and b are
// equal.
func shared(a, b reflect.Value, at string, found func(at string)) {
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			if a.Type().Field(i).IsExported() {
				shared(a.Field(i), b.Field(i), at+"."+a.Type().Field(i).Name, found)
			}
		}
	case reflect.Slice:
		if a.UnsafePointer() == b.UnsafePointer() {
			found(at)
		}
		for i := range a.Len() {
			shared(a.Index(i), b.Index(i), fmt.Sprintf("%s[%d]", at, i), found)
		}
	case reflect.Map:
		if a.UnsafePointer() == b.UnsafePointer() {
			found(at)
		}
		for _, key := range a.MapKeys() {
			shared(a.MapIndex(key), b.MapIndex(key), fmt.Sprintf("%s[%v]", at, key), found)
		}
	case reflect.Pointer:
		if a.UnsafePointer() == b.UnsafePointer() {
			found(at)
		}
		shared(a.Elem(), b.Elem(), at+".*", found)
	case reflect.Interface:
		if a.IsNil() || a.Type() == reflect.TypeFor[service.Extension]() {
			return
		}
		shared(a.Elem(), b.Elem(), at, found)
	default:
	}
}

// The result of Load shares no memory with the Config set in code, whichever fields there are.
func TestLoadSharesNothing(t *testing.T) {
	code := service.Config{}
	filled(t, reflect.ValueOf(&code).Elem())
	code.File = ""
	loaded, _ := code.Load() // the values are invalid, which does not matter here
	again, _ := loaded.Load()
	for name, pair := range map[string][2]service.Config{"code": {code, loaded}, "the last": {loaded, again}} {
		shared(reflect.ValueOf(pair[0]), reflect.ValueOf(pair[1]), "Config", func(at string) {
			t.Errorf("%s is shared with %s", at, name)
		})
	}
}

// Load used to decode into the caller's slices: ["code1", "code2"] in code and ["file"] in the
// file became ["file", "code2"] in both.
func TestLoadLeavesTheCallersSlicesAlone(t *testing.T) {
	core := uint64(7)
	code := service.Config{
		Name: "feedd", After: []string{"code1", "code2"}, Limits: service.Limits{Core: &core},
		Hardening: service.Hardening{ReadWritePaths: []string{"/code1", "/code2"}},
		File: write(t, `
[service]
after = ["file"]
limits.core = 3
hardening.read_write_paths = ["/file"]
`),
	}
	got, err := code.Load()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(code.After, []string{"code1", "code2"}) || !slices.Equal(code.Hardening.ReadWritePaths, []string{"/code1", "/code2"}) || core != 7 {
		t.Errorf("the caller has %q, %q and %d now", code.After, code.Hardening.ReadWritePaths, core)
	}
	if !slices.Equal(got.After, []string{"file"}) || !slices.Equal(got.Hardening.ReadWritePaths, []string{"/file"}) || *got.Limits.Core != 3 {
		t.Errorf("loaded: %q, %q and %d", got.After, got.Hardening.ReadWritePaths, *got.Limits.Core)
	}
}

// A reload loads the file again while the program reads the old Config. The race detector
// checks that.
func TestLoadBesideReaders(t *testing.T) {
	code := service.Config{
		Name: "feedd", Args: []string{"a", "b"}, Env: map[string]string{"A": "code"}, File: write(t, "[service]\nargs = [\"file\"]\nenv = { A = \"file\" }\n"),
	}
	held, err := code.Load()
	if err != nil {
		t.Fatal(err)
	}
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for range 100 {
				if held.Args[0] != "file" || held.Env["A"] != "file" || code.Args[0] != "a" {
					t.Errorf("%q %q %q", held.Args, held.Env, code.Args)
				}
			}
		})
	}
	for range 20 {
		if _, err := held.Load(); err != nil {
			t.Error(err)
		}
	}
	readers.Wait()
}

// A program's own table is decoded over a copy of its defaults, which the program keeps.
func TestDecodeTableLeavesDefaultsAlone(t *testing.T) {
	type table struct {
		Inputs []string
		Every  *time.Duration
	}
	every := time.Minute
	defaults := table{Inputs: []string{"a", "b"}, Every: &every}
	got := defaults
	if err := service.DecodeTable(write(t, "[feed]\nInputs = [\"file\"]\nEvery = \"1s\"\n"), "feed", &got); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(defaults.Inputs, []string{"a", "b"}) || every != time.Minute {
		t.Errorf("the defaults are %q and %v now", defaults.Inputs, every)
	}
	if !slices.Equal(got.Inputs, []string{"file"}) || *got.Every != time.Second {
		t.Errorf("got %q and %v", got.Inputs, *got.Every)
	}
}
