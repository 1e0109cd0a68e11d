package logsink_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"math/big"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-dev/holdfast/service/logsink"
)

// encodingJSON returns an object as encoding/json encodes it, in one line and without escapes
// for HTML.
func encodingJSON(t testing.TB, object map[string]any) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(object); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// ownKeys returns the keys of a line itself.
func ownKeys(msg string) map[string]any {
	return map[string]any{"@level": "info", "@message": msg, "@timestamp": "2026-01-02T03:04:05.678901Z"}
}

type (
	marshaler  struct{ out string }
	texter     struct{ out string }
	failing    struct{}
	panicking  struct{}
	stringer   struct{ A int }
	errorValue struct{ A int }
	embedded   struct {
		stringer
		Ptr  *int `json:"ptr,omitempty"`
		Skip int  `json:"-"`
		Any  any
		HTML string
	}
	linked struct {
		Next *linked
		Of   map[string]any
	}
)

func (m marshaler) MarshalJSON() ([]byte, error) { return []byte(m.out), nil }
func (m texter) MarshalText() ([]byte, error)    { return []byte(m.out), nil }
func (failing) MarshalJSON() ([]byte, error)     { return nil, errors.New("no JSON of this") }
func (failing) String() string                   { return "failing" }
func (panicking) MarshalJSON() ([]byte, error)   { panic("at the disco") }
func (panicking) String() string                 { return "panicking" }
func (s stringer) String() string                { return "a stringer" }
func (e errorValue) Error() string               { return "an <error>" }

// An attribute of any kind is encoded like encoding/json does.
func TestJSONOfEveryKind(t *testing.T) {
	b := newBed(t, logsink.Options{Format: "json"})
	n, addr := 7, netip.MustParseAddr("::1")
	zone := time.FixedZone("", -5*3600-1800)
	for _, v := range []any{
		nil, true, false, "", "plain", "say \"hi\" <&> \\ \b\f\n\r\t\x00\x1f\x7f \u2028\u2029 Grüße 日本 🎉", "\xff\xc3(\xed\xa0\x80é\xff", strings.Repeat("long ü", 1000),
		0, -1, math.MaxInt64, int64(math.MinInt64), int8(-8), int16(-16), int32(-32), uint(1), uint8(8), uint16(16), uint32(32), uint64(math.MaxUint64), uintptr(9),
		0.0, math.Copysign(0, -1), 1.0, -2.5, 1e-6, 9.99e-7, -1e-9, 1e20, 1e21, -1e22, math.MaxFloat64, math.SmallestNonzeroFloat64, 0.1 + 0.2,
		float32(0.1), float32(1e-7),
		[]float32{0.1, 1e-7, 3e21},
		[]float64{1e-7, 1e21, -0.5},
		1500 * time.Millisecond,
		[]time.Duration{time.Second},
		time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), time.Date(1, 1, 1, 0, 0, 0, 0, zone),
		time.Time{},
		[]byte{1, 2},
		[]byte(nil), []string(nil),
		[]string{},
		[]any{1, nil, "<", []int{}},
		[2]int{1, 2},
		map[string]any(nil),
		map[string]int{"b": 1, "a": 2, "\xff": 3},
		map[int]string{2: "b", 10: "a"},
		&n, (*int)(nil),
		struct{}{},
		stringer{1},
		&stringer{1},
		embedded{Any: "<", HTML: "<&>"},
		&embedded{Ptr: &n},
		[]stringer{{1}},
		map[string]any{"s": stringer{1}},
		marshaler{`{ "a" : [ 1, "<" ] }`},
		&marshaler{`"\u003c"`}, (*marshaler)(nil),
		texter{"<t>\n"},
		map[texter]int{{"k"}: 1},
		json.RawMessage(` [1, 2] `), json.Number("1.50"), json.Number(""),
		addr, big.NewInt(1 << 62), slog.LevelInfo + 1,
		[]error{errors.New("x"), nil},
		hclog.Hex(255), hclog.Quote("a b"), hclog.CapturedStacktrace("a\n\tb"),
	} {
		want := ownKeys("m")
		want["k"] = slog.AnyValue(v).Any() // a float32 is a float64 to slog
		for by, say := range map[string]func(){
			"hclog": func() { b.Logger().Info("m", "k", v) },
			"slog":  func() { b.Slog().Info("m", "k", v) },
		} {
			if got, want := said(t, b, say), encodingJSON(t, want); got != want {
				t.Errorf("%T by %s:\n got %s\nwant %s", v, by, got, want)
			}
		}
	}
}

// A value without JSON is logged as text, and does not damage the line.
func TestJSONOfWhatHasNone(t *testing.T) {
	b := newBed(t, logsink.Options{Format: "json"})
	ring := &linked{}
	ring.Next = ring
	self := map[string]any{}
	self["self"] = self
	slice := make([]any, 1)
	slice[0] = slice
	for _, c := range []struct {
		v    any
		want string
	}{
		{errors.New("broke\n<\xff>"), "broke\n<\xff>"},
		{fmt.Errorf("wrapped: %w", os.ErrNotExist), "wrapped: file does not exist"},
		{errorValue{1}, "an <error>"},
		{error((*nilError)(nil)), "<nil>"},
		{math.NaN(), "NaN"},
		{math.Inf(-1), "-Inf"},
		{[]float64{math.NaN()}, "[NaN]"},
		{[]float32{float32(math.Inf(1))}, "[+Inf]"},
		{complex(1, -2), "(1-2i)"},
		{(chan int)(nil), "<nil>"},
		{(func())(nil), "<nil>"},
		{unsafe.Pointer(nil), "<nil>"},
		{map[bool]int{true: 1}, "map[true:1]"},
		{json.Number("1x"), "1x"},
		{marshaler{`{"a":`}, `{{"a":}`},
		{failing{}, "failing"},
		{[]failing{{}}, "[failing]"},
		{panicking{}, "panicking"},
		{map[string]any{"a": panicking{}}, "map[a:panicking]"},
		{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), "10000-01-01T00:00:00Z"},
		{time.Date(2026, 1, 1, 0, 0, 0, 0, time.FixedZone("", 25*3600)), "2026-01-01T00:00:00+25:00"},
		{hclog.Fmt("%03d<", 7), "007<"},
		{ring, "json: unsupported value: encountered a cycle via *logsink_test.linked"},
		{&linked{Of: self}, "json: unsupported value: encountered a cycle via map[string]interface {}"},
		{slice, "json: unsupported value: encountered a cycle via []interface {}"},
	} {
		want := ownKeys("m")
		want["k"] = c.want
		if got, want := said(t, b, func() { b.Slog().Info("m", "k", c.v) }), encodingJSON(t, want); got != want {
			t.Errorf("%T:\n got %s\nwant %s", c.v, got, want)
		}
	}
}

// Groups and LogValuers have keys with dots, the last one of equal keys counts, and nobody can
// replace the keys of the line itself.
func TestJSONKeys(t *testing.T) {
	b := newBed(t, logsink.Options{Format: "json"})
	want := ownKeys("m")
	maps.Copy(want, map[string]any{
		"k": 3, "g.a": 1, "g.s.kind": "secret", "g.s.len": 6, "g.h.d": true, "g.b": nil, "@module": "mine", "g.": "empty", "z\x00": 1, "\xff": 2, "\xfe": 3, "A": 1, "Ü<": "x",
	})
	got := said(t, b, func() {
		b.Slog().With("k", 1, "A", 1, "z\x00", 1, "\xff", 2, "\xfe", 3, "Ü<", "x", "@module", "mine", "@message", "forged", "@level", "error").With("k", 2, "k", 3, "@timestamp", 0).
			WithGroup("g").Info("m", "b", 1, "s", secret("hunter"), slog.Group("h", "d", true), "a", 2, "a", 1, "b", nil, "", "empty")
	})
	if want := encodingJSON(t, want); got != want {
		t.Errorf(" got %s\nwant %s", got, want)
	}
	want = ownKeys("m")
	want["@module"] = "a.b"
	if got, want := said(t, b, func() { b.Logger().Named("a").Named("b").Info("m", "@module", "mine") }), encodingJSON(t, want); got != want {
		t.Errorf(" got %s\nwant %s", got, want)
	}
}

// said returns what say adds to the log.
func said(t testing.TB, b *bed, say func()) string {
	t.Helper()
	b.flush(t)
	if err := os.Truncate(b.stderr.Name(), 0); err != nil {
		t.Fatal(err)
	}
	say()
	return b.errText(t)
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{"", "plain", "@message", `"\`, "a\n\x00\x7f", "\u2028\u2029", "\xff\xed\xa0\x80", "<&>", "ü\n", "🎉"} {
		f.Add(s, s+"2", s, int64(len(s)), 1.5)
	}
	f.Add("a", "a", "b", int64(-1), 1e-7)
	f.Add("a", "b", "b", int64(math.MinInt64), 1e21)
	b := newBed(f, logsink.Options{Format: "json"})
	f.Fuzz(func(t *testing.T, key, other, value string, i int64, x float64) {
		want := map[string]any{key: value, other: i, "float": x, "err": value, "at": time.Unix(0, i).UTC(), "list": []any{value, x, i}}
		if math.IsNaN(x) || math.IsInf(x, 0) {
			want["float"], want["list"] = fmt.Sprint(x), fmt.Sprint([]any{value, x, i})
		}
		maps.Copy(want, ownKeys(value))
		got := said(t, b, func() {
			b.Slog().Info(value, key, value, other, i, "float", x, "err", errors.New(value), "at", time.Unix(0, i).UTC(), "list", []any{value, x, i})
		})
		if want := encodingJSON(t, want); got != want {
			t.Errorf(" got %s\nwant %s", got, want)
		}
	})
}

// A line took 26 allocations when it was a map. Now it takes those for its attributes, its
// timestamp, its text and, sometimes, the queue.
func TestJSONAllocatesLittle(t *testing.T) {
	b := newBed(t, logsink.Options{Format: "json"})
	l := b.Slog()
	if got := testing.AllocsPerRun(1000, func() {
		l.Info("request served", "method", "GET", "path", "/index.html", "status", 200)
	}); got > 8 {
		t.Errorf("%v allocations a line", got)
	}
}
