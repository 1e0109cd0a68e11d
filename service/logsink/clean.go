package logsink

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/go-hclog"
)

// escape returns s with everything that is not printable, and not in keep, as a
// Go escape: control characters, line and paragraph separators, bidirectional
// overrides, bytes that are not UTF-8. A backslash stays single: the result is
// for reading, not for reading back.
func escape(s, keep string) string {
	var b []byte
	done := 0
	for i := 0; i < len(s); {
		if s[i] >= ' ' && s[i] < 0x7f { // nearly all
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		invalid := r == utf8.RuneError && size == 1
		if invalid || (!unicode.IsPrint(r) && !strings.ContainsRune(keep, r)) {
			b = append(b, s[done:i]...)
			if invalid {
				b = fmt.Appendf(b, `\x%02x`, s[i])
			} else {
				quoted := strconv.QuoteRuneToASCII(r)
				b = append(b, quoted[1:len(quoted)-1]...)
			}
			done = i + size
		}
		i += size
	}
	if b == nil {
		return s
	}
	return string(append(b, s[done:]...))
}

// pairs returns args as keys, which are strings, and values. A value without a
// key gets the one hclog gives it.
func pairs(args []any) []any {
	out := make([]any, 0, len(args)+1)
	for ; len(args) > 1; args = args[2:] {
		key, ok := args[0].(string)
		if !ok {
			key = fmt.Sprint(args[0])
		}
		out = append(out, key, args[1])
	}
	if len(args) == 0 {
		return out
	}
	if _, ok := args[0].(hclog.CapturedStacktrace); ok {
		return append(out, "stacktrace", args[0])
	}
	return append(out, hclog.MissingKey, args[0])
}

// text is v as hclog would write it, without any quoting.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case hclog.CapturedStacktrace:
		return string(v)
	case hclog.Quote:
		return strconv.Quote(string(v))
	case hclog.Hex:
		return "0x" + strconv.FormatUint(uint64(v), 16)
	case hclog.Octal:
		return "0" + strconv.FormatUint(uint64(v), 8)
	case hclog.Binary:
		return "0b" + strconv.FormatUint(uint64(v), 2)
	case hclog.Format:
		if len(v) > 0 {
			return fmt.Sprintf(fmt.Sprint(v[0]), v[1:]...)
		}
	case time.Time: // hclog's would show the monotonic clock
		return v.Format(time.RFC3339Nano)
	}
	return fmt.Sprint(v) // knows errors and Stringers, and survives their panics
}

// printable turns v into something that hclog prints without surprises. hclog
// itself escapes only what is valid UTF-8, of slices only the strings, and
// prints a CapturedStacktrace as it is.
func printable(v any, keep string) any {
	switch v.(type) {
	case bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64,
		hclog.Hex, hclog.Octal, hclog.Binary, hclog.Quote:
		return v
	case hclog.Format:
		return escape(text(v), keep)
	}
	slice := reflect.ValueOf(v)
	if slice.Kind() != reflect.Slice {
		return escape(text(v), keep)
	}
	switch kind := slice.Type().Elem().Kind(); {
	case kind == reflect.String, kind >= reflect.Bool && kind <= reflect.Float64:
		return v
	}
	elems := make([]string, slice.Len()) // which hclog quotes
	for i := range elems {
		elems[i] = text(slice.Index(i).Interface())
	}
	return elems
}

// encoded turns v into something that hclog can write as JSON: by itself it drops
// all fields of a line with a channel in it, and the whole line for a NaN.
func encoded(v any) any {
	switch v := v.(type) {
	case nil, bool, string, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64:
		return v
	case hclog.Format:
		return text(v)
	case json.Marshaler, encoding.TextMarshaler:
	case error:
		return text(v)
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return text(v)
	}
	return json.RawMessage(b.Bytes())
}
