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

// text is v as fmt would print it, except for the types that hclog has for the
// ways to print a value.
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
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case int64: // as which slog keeps all integers
		return strconv.FormatInt(v, 10)
	}
	return fmt.Sprint(v) // knows errors and Stringers, and survives their panics
}

// display is how text shows a value: as it is where that is unmistakable, else in
// quotes, or over several lines.
func display(v any, keep string) string {
	switch q := v.(type) {
	case hclog.Quote:
		return text(q)
	case hclog.Format: // is a slice, too
	default:
		if slice := reflect.ValueOf(v); slice.Kind() == reflect.Slice {
			return list(slice)
		}
	}
	s := escape(text(v), keep)
	if strings.Contains(s, "\n") || plain(s) {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"`
}

// plain reports whether s needs no quotes.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < '-' || s[i] > '~' {
			return false
		}
	}
	return s != ""
}

// list is a slice; what could be mistaken for two elements is in quotes.
func list(slice reflect.Value) string {
	kind := slice.Type().Elem().Kind()
	number := kind >= reflect.Bool && kind <= reflect.Float64
	elems := make([]string, slice.Len())
	for i := range elems {
		elems[i] = text(slice.Index(i).Interface())
		if !number || !plain(elems[i]) {
			elems[i] = strconv.Quote(elems[i])
		}
	}
	return "[" + strings.Join(elems, ", ") + "]"
}

// encoded is v as something that is JSON: a channel, a NaN or an error that knows
// no JSON is its text.
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
