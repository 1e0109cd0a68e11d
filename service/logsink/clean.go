package logsink

import (
	"fmt"
	"log/slog"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/go-hclog"
)

// escape returns s with everything that is neither printable nor in keep replaced by a Go
// escape: control characters, line and paragraph separators, bidirectional overrides, and
// bytes that are not UTF-8. It does not double backslashes, because people read the result and
// no program parses it.
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

// text returns v as package fmt prints it, except for the types by which hclog selects a
// format.
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
	case int64: // slog stores all integers as this type
		return strconv.FormatInt(v, 10)
	}
	return fmt.Sprint(v) // knows errors and Stringers, and survives their panics
}

// display returns a value as it is shown in a line of text: unchanged if nobody can misread
// it, and otherwise in quotes or on several lines.
func display(value slog.Value, keep string) string {
	if value.Kind() == slog.KindString { // most are
		return distinct(escape(value.String(), keep))
	}
	v := value.Any()
	switch q := v.(type) {
	case hclog.Quote:
		return text(q)
	case hclog.Format: // is a slice, too
	default:
		if slice := reflect.ValueOf(v); slice.Kind() == reflect.Slice {
			return list(slice)
		}
	}
	return distinct(escape(text(v), keep))
}

// distinct returns s in quotes, unless it needs none or has several lines.
func distinct(s string) string {
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

// list returns a slice as text. Elements that could be taken for several are in quotes.
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
