package logsink

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/go-hclog"
)

// object returns a line as the JSON object that encoding/json makes of a map: its keys are
// sorted. Of several attributes with the same key the last one counts. The keys of the line
// itself take precedence.
func (s style) object(level slog.Level, name, msg string, attrs []slog.Attr) []byte {
	all := append(make([]slog.Attr, 0, 16), attrs...) // a copy, because it is sorted
	all = append(all,
		slog.String("@timestamp", s.now().Format("2006-01-02T15:04:05.000000Z07:00")),
		slog.String("@level", word(level)),
		slog.String("@message", msg))
	if name != "" {
		all = append(all, slog.String("@module", name))
	}
	slices.SortStableFunc(all, func(a, b slog.Attr) int { return strings.Compare(a.Key, b.Key) })
	b := append(make([]byte, 0, 256), '{')
	for i, a := range all {
		if i+1 < len(all) && a.Key == all[i+1].Key {
			continue
		}
		if len(b) > len("{") {
			b = append(b, ',')
		}
		b = appendJSON(append(appendQuoted(b, a.Key), ':'), a.Value)
	}
	return append(b, '}')
}

// word returns the name of a level in JSON.
func word(l slog.Level) string {
	switch l {
	case slog.LevelError:
		return "error"
	case slog.LevelWarn:
		return "warn"
	case slog.LevelInfo:
		return "info"
	case slog.LevelDebug:
		return "debug"
	}
	return "trace"
}

// appendJSON appends v as encoding/json encodes it. A value that JSON cannot express (a
// channel, a NaN, an error) is appended as text.
func appendJSON(b []byte, v slog.Value) []byte {
	switch v.Kind() {
	case slog.KindString:
		return appendQuoted(b, v.String())
	case slog.KindBool:
		return strconv.AppendBool(b, v.Bool())
	case slog.KindInt64:
		return strconv.AppendInt(b, v.Int64(), 10)
	case slog.KindUint64:
		return strconv.AppendUint(b, v.Uint64(), 10)
	case slog.KindDuration:
		return strconv.AppendInt(b, int64(v.Duration()), 10)
	case slog.KindTime:
		b = v.Time().AppendFormat(append(b, '"'), time.RFC3339Nano)
		return append(b, '"')
	case slog.KindFloat64:
		if f := math.Abs(v.Float64()); f == 0 || f >= 1e-6 && f < 1e21 { // others have an exponent
			return strconv.AppendFloat(b, v.Float64(), 'f', -1, 64)
		}
	}
	return appendAny(b, v.Any())
}

func appendAny(b []byte, v any) []byte {
	switch v.(type) {
	case nil:
		return append(b, "null"...)
	case hclog.Format:
		return appendQuoted(b, text(v))
	case json.Marshaler, encoding.TextMarshaler:
	case error:
		return appendQuoted(b, text(v))
	}
	encoded, err := encode(v)
	var endless *json.UnsupportedValueError
	switch {
	case err == nil:
		return append(b, encoded...)
	case errors.As(err, &endless) && endless.Value.Kind() != reflect.Float64 && endless.Value.Kind() != reflect.Float32:
		return appendQuoted(b, err.Error()) // v contains itself: its text would never end
	}
	return appendQuoted(b, text(v))
}

// encode returns v as encoding/json encodes it. A panic of a method of v becomes an error.
func encode(v any) (encoded []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // a log is not part of an HTML page
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// appendQuoted appends s as encoding/json encodes a string, without escapes for HTML.
func appendQuoted(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		invalid := r == utf8.RuneError && size == 1
		if r >= utf8.RuneSelf && !invalid && r != '\u2028' && r != '\u2029' { // these two end a line in JavaScript
			i += size
			continue
		}
		b = append(b, s[done:i]...)
		switch {
		case c == '"', c == '\\':
			b = append(b, '\\', c)
		case c == '\b':
			b = append(b, `\b`...)
		case c == '\f':
			b = append(b, `\f`...)
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\r':
			b = append(b, `\r`...)
		case c == '\t':
			b = append(b, `\t`...)
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		case invalid:
			b = append(b, `\ufffd`...)
		default:
			b = append(b, '\\', 'u', '2', '0', '2', hex[r&0xf])
		}
		i += size
		done = i
	}
	return append(append(b, s[done:]...), '"')
}
