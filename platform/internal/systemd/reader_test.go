package systemd_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// This is a reader of unit files that follows systemd's rules, and is independent of how ours
// are written: config_parse() of src/shared/conf-parser.c, extract_first_word() of
// src/basic/extract-word.c, cunescape_one(), specifier_printf(), replace_env_argv().

// A setting is one assignment in a unit file.
type setting struct{ section, key, value string }

func readUnit(file string) ([]setting, error) {
	var settings []setting
	section, continued := "", ""
	for n, line := range strings.Split(file, "\n") {
		switch {
		case !utf8.ValidString(line):
			return nil, fmt.Errorf("line %d is not UTF-8: ignored", n+1)
		case strings.ContainsAny(line, "\r\x00"):
			return nil, fmt.Errorf("line %d ends early", n+1)
		}
		line = continued + line
		continued = ""
		if first := strings.TrimLeft(line, " \t"); strings.HasPrefix(first, "#") || strings.HasPrefix(first, ";") {
			continue
		}
		escaped := false
		for _, c := range line {
			escaped = c == '\\' && !escaped
		}
		if escaped {
			continued = line[:len(line)-1] + " "
			continue
		}
		line = strings.Trim(line, " \t")
		key, value, ok := strings.Cut(line, "=")
		switch {
		case line == "":
		case strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]"):
			section = line
		case ok:
			settings = append(settings, setting{section, strings.TrimSpace(key), strings.TrimSpace(value)})
		default:
			return nil, fmt.Errorf("line %d is not an assignment: %q", n+1, line)
		}
	}
	if continued != "" {
		return nil, errors.New("the last line goes on")
	}
	return settings, nil
}

// split is extract_first_word with EXTRACT_UNQUOTE, repeated until nothing is left. With c,
// backslashes begin C escapes. Without c, they quote one character.
func split(s string, c bool) ([]string, error) {
	var words []string
	for {
		s = strings.TrimLeft(s, " \t\n\r")
		if s == "" {
			return words, nil
		}
		if c && (s == ";" || strings.HasPrefix(s, "; ")) {
			return nil, errors.New("a second command in the line")
		}
		var word []byte
		quote := byte(0)
	scan:
		for {
			if s == "" {
				if quote != 0 {
					return nil, errors.New("open quotation mark")
				}
				break
			}
			ch := s[0]
			s = s[1:]
			switch {
			case ch == '\\':
				if s == "" {
					return nil, errors.New("lone backslash")
				}
				if !c {
					word = append(word, s[0])
					s = s[1:]
					continue
				}
				b, rest, err := unescape(s)
				if err != nil {
					return nil, err
				}
				word, s = append(word, b...), rest
			case quote != 0 && ch == quote:
				quote = 0
			case quote == 0 && (ch == '"' || ch == '\''):
				quote = ch
			case quote == 0 && strings.IndexByte(" \t\n\r", ch) >= 0:
				break scan
			default:
				word = append(word, ch)
			}
		}
		words = append(words, string(word))
	}
}

// unescape is cunescape_one: s follows a backslash.
func unescape(s string) (b []byte, rest string, err error) {
	simple := map[byte]byte{
		'a': 7, 'b': 8, 'f': 12, 'n': 10, 'r': 13, 't': 9, 'v': 11, '\\': '\\', '"': '"', '\'': '\'', 's': ' ',
	}
	if v, ok := simple[s[0]]; ok {
		return []byte{v}, s[1:], nil
	}
	if s[0] == 'x' && len(s) >= 3 {
		v, err := strconv.ParseUint(s[1:3], 16, 8)
		if err != nil || v == 0 {
			return nil, "", fmt.Errorf("bad escape \\%s", s[:3])
		}
		return []byte{byte(v)}, s[3:], nil
	}
	return nil, "", fmt.Errorf("unknown escape \\%c", s[0])
}

// specifiers resolves %%. Any other specifier would be replaced by a value of the machine.
func specifiers(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' {
			if i+1 == len(s) || s[i+1] != '%' {
				return "", fmt.Errorf("specifier in %q", s)
			}
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), nil
}

// variables is replace_env_argv for one word of an Exec line. A variable in it would be
// replaced by a value of the environment.
func variables(s string) (string, error) {
	if len(s) > 1 && s[0] == '$' && s[1] != '{' && s[1] != '$' || s == "$" {
		return "", fmt.Errorf("the whole word %q is a variable", s)
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '$' && i+1 < len(s) {
			switch s[i+1] {
			case '{':
				return "", fmt.Errorf("variable in %q", s)
			case '$':
				i++
			}
		}
		b.WriteByte(s[i])
	}
	return b.String(), nil
}

// execArgv returns what the process gets from an Exec line.
func execArgv(value string) (path string, argv []string, err error) {
	words, err := split(value, true)
	if err != nil || len(words) == 0 {
		return "", nil, errors.Join(err, errors.New("no command"))
	}
	if !strings.HasPrefix(words[0], "/") {
		return "", nil, fmt.Errorf("prefix before the path in %q", words[0])
	}
	for i, w := range words {
		if w, err = specifiers(w); err != nil {
			return "", nil, err
		}
		if i == 0 {
			path = w
			if strings.ContainsAny(path, `"'\`) {
				return "", nil, fmt.Errorf("systemd refuses the path %q", path)
			}
		}
		if w, err = variables(w); err != nil {
			return "", nil, err
		}
		argv = append(argv, w)
	}
	return path, argv, nil
}
