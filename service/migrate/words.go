package migrate

import (
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// decoded returns text in UTF-8. Windows writes registry keys and XML in UTF-16, with a byte
// order mark.
func decoded(text string) string {
	var order binary.ByteOrder
	switch {
	case strings.HasPrefix(text, "\xff\xfe"):
		order = binary.LittleEndian
	case strings.HasPrefix(text, "\xfe\xff"):
		order = binary.BigEndian
	default:
		return strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n")
	}
	units := make([]uint16, 0, len(text)/2)
	for b := []byte(text[2:]); len(b) >= 2; b = b[2:] {
		units = append(units, order.Uint16(b))
	}
	return strings.ReplaceAll(string(utf16.Decode(units)), "\r\n", "\n")
}

var errQuotes = errors.New("a quotation mark is never closed")

// words splits a command line as systemd.syntax(7) describes. Apart from expansions, a shell
// does the same: white space separates, both quotation marks group, and a backslash starts an
// escape. In single quotes a shell has no escapes.
func words(line string, shell bool) ([]string, error) {
	var all []string
	var word strings.Builder
	open, quote := false, rune(0)
	for i := 0; i < len(line); {
		r, size := utf8.DecodeRuneInString(line[i:])
		i += size
		switch {
		case r == '\\' && i < len(line) && !(shell && quote == '\''):
			open = true
			text, n := escaped(line[i:], shell)
			word.WriteString(text)
			i += n
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '"' || r == '\'':
			quote, open = r, true
		case r == ' ' || r == '\t' || r == '\n':
			if open {
				all = append(all, word.String())
			}
			word.Reset()
			open = false
		default:
			open = true
			word.WriteRune(r)
		}
	}
	if quote != 0 {
		return nil, errQuotes
	}
	if open {
		all = append(all, word.String())
	}
	return all, nil
}

// escaped returns the text for the escape sequence at the start of rest, after the backslash,
// and the length of that sequence.
func escaped(rest string, shell bool) (text string, n int) {
	if !shell {
		const escapes, stand = "abfnrtvs", "\a\b\f\n\r\t\v "
		if i := strings.IndexByte(escapes, rest[0]); i >= 0 {
			return stand[i : i+1], 1
		}
		if rest[0] == 'x' && len(rest) >= 3 {
			if code, err := strconv.ParseUint(rest[1:3], 16, 8); err == nil {
				return string([]byte{byte(code)}), 3
			}
		}
	}
	_, n = utf8.DecodeRuneInString(rest)
	return rest[:n], n
}

// windowsWords splits a command line like CommandLineToArgvW.
func windowsWords(line string) []string {
	var all []string
	for line = strings.TrimLeft(line, " \t\n"); line != ""; line = strings.TrimLeft(line, " \t\n") {
		var word strings.Builder
		quoted := false
		for line != "" && (quoted || line[0] != ' ' && line[0] != '\t' && line[0] != '\n') {
			slashes := len(line) - len(strings.TrimLeft(line, `\`))
			rest := line[slashes:]
			switch {
			case strings.HasPrefix(rest, `"`):
				word.WriteString(strings.Repeat(`\`, slashes/2))
				if slashes%2 == 1 {
					word.WriteByte('"')
				} else {
					quoted = !quoted
				}
				line = rest[1:]
			case slashes > 0:
				word.WriteString(line[:slashes])
				line = rest
			default:
				word.WriteByte(line[0])
				line = line[1:]
			}
		}
		all = append(all, word.String())
	}
	return all
}
