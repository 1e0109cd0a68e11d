package container

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// A mapping is a mapping of YAML, in order.
type mapping []field

type field struct {
	key   string
	value any // string, []string, number, bool, mapping, sequence or null
}

// A sequence is a sequence of YAML.
type sequence []any

// null is the value of a key without a value.
type null struct{}

// with returns m with one more field. It leaves out an empty string, mapping or sequence.
func (m mapping) with(key string, value any) mapping {
	switch v := value.(type) {
	case string:
		if v == "" {
			return m
		}
	case []string:
		if len(v) == 0 {
			return m
		}
	case mapping:
		if len(v) == 0 {
			return m
		}
	case sequence:
		if len(v) == 0 {
			return m
		}
	}
	return append(m, field{key, value})
}

// encode returns m as a document of YAML 1.1 and 1.2.
func encode(m mapping) string {
	var b strings.Builder
	writeMapping(&b, m, "", "")
	return b.String()
}

// writeMapping writes the first line after first, and the others after indent.
func writeMapping(b *strings.Builder, m mapping, first, indent string) {
	for _, f := range m {
		b.WriteString(first + scalar(f.key) + ":")
		first = indent
		switch v := f.value.(type) {
		case null:
			b.WriteString("\n")
		case mapping:
			if len(v) == 0 {
				b.WriteString(" {}\n")
				break
			}
			b.WriteString("\n")
			writeMapping(b, v, indent+"  ", indent+"  ")
		case sequence:
			b.WriteString("\n")
			for _, item := range v {
				writeItem(b, item, indent+"  ")
			}
		case []string:
			b.WriteString(" " + flow(v) + "\n")
		default:
			b.WriteString(" " + plain(v) + "\n")
		}
	}
}

func writeItem(b *strings.Builder, item any, indent string) {
	if m, ok := item.(mapping); ok {
		writeMapping(b, m, indent+"- ", indent+"  ")
		return
	}
	b.WriteString(indent + "- " + plain(item) + "\n")
}

// flow returns words on one line: [a, "b c"].
func flow(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quote(w)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func plain(v any) string {
	if s, ok := v.(string); ok {
		return scalar(s)
	}
	return fmt.Sprint(v)
}

// scalar returns a string that YAML reads as that string: without quotes if it cannot be taken
// for anything else.
func scalar(s string) string {
	word := regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9/._-]*$`)
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "y", "n", "null":
		return quote(s)
	}
	if word.MatchString(s) {
		return s
	}
	return quote(s)
}

// quote returns a double-quoted scalar. Its escapes are the same in YAML and in JSON, except
// that YAML has those of characters beyond U+FFFF.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case unicode.IsPrint(r) && r != '\uFEFF':
			b.WriteRune(r)
		case r > 0xFFFF:
			fmt.Fprintf(&b, `\U%08X`, r)
		default:
			fmt.Fprintf(&b, `\u%04X`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
