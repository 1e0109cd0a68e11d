package state_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform/state"
)

// The file is written without package json, whose descriptions of types are expensive. A field
// that is missing there, or is written in another way, shows here.
func TestTheFileIsWhatPackageJSONWouldWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.state.json")
	compare := func(s state.State) {
		t.Helper()
		want, wrong := json.Marshal(s)
		err := state.Write(path, s)
		if wrong != nil || err != nil {
			if wrong == nil || err == nil {
				t.Fatalf("%+v: %v, and from package json %v", s, err, wrong)
			}
			return
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != string(want)+"\n" {
			t.Fatalf("%v:\ngot  %s\nwant %s", err, got, want)
		}
	}
	compare(state.State{})
	compare(state.State{StartedAt: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)}) // cannot be written
	seed := rand.Uint64()
	t.Log("seed", seed)
	for _, chance := range []int{1, 2, 10} { // all fields are set, half of them, and few
		for n := range uint64(100) {
			var s state.State
			fill(rand.New(rand.NewPCG(seed, n)), reflect.ValueOf(&s).Elem(), chance) //nolint:gosec // need not be secret
			compare(s)
		}
	}
}

// fill sets one of chance fields of v to some value.
func fill(r *rand.Rand, v reflect.Value, chance int) {
	texts := []string{"a", `C:\x "y"`, "<", ">", "&", "ü\u2028\x00\n\x7f", "\xff", "a,{b}: [c]"}
	if v.Type() == reflect.TypeFor[time.Time]() {
		if r.IntN(chance) == 0 {
			v.Set(reflect.ValueOf(time.Date(1+r.IntN(9999), 3, 1, 2, 3, 4, r.IntN(3)*1000, time.FixedZone("", 3600*r.IntN(3)))))
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(r, v.Field(i), chance)
		}
		return
	}
	if r.IntN(chance) != 0 {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(texts[r.IntN(len(texts))])
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(r.Int64() - r.Int64())
	case reflect.Uint64:
		v.SetUint(r.Uint64())
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(r, v.Elem(), chance)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), r.IntN(3), 3))
		for i := range v.Len() {
			fill(r, v.Index(i), chance)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for _, key := range texts[:r.IntN(len(texts))] {
			value := reflect.New(v.Type().Elem()).Elem()
			fill(r, value, 1)
			v.SetMapIndex(reflect.ValueOf(key), value)
		}
	default:
		panic("a field of kind " + v.Kind().String())
	}
}
