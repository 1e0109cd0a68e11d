package systemd

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode/utf8"
)

// systemd reads a unit file in passes. The key determines which passes a value goes through.
// Sources: systemd.syntax(7), systemd.service(5), src/core/load-fragment.c; measured with 252
// and 257 by test/systemd_quoting_test.go.
//
//	1 line       If it is not UTF-8, it is ignored. White space at both ends is removed. An odd number of
//	             backslashes at the end joins it with the next line.
//	2 words      Only in lists: "..." and '...' group; a backslash removes the meaning of the next character,
//	             and in ExecStart= and Environment= begins a C escape (\n, \x20).
//	3 specifiers %x; a doubled %% is a percent sign.
//	4 variables  $x and ${x} in Exec lines, when they run; $$ is a dollar sign. The program's path is exempt.
//
// Each function below returns the text for one kind of value, or says why there is none. The
// caller adds the name of the setting.

var (
	errUTF8    = errors.New("is not valid UTF-8")
	errNUL     = errors.New("has a NUL character")
	errControl = errors.New("has a control character (a line break, for example)")
	errTooLong = errors.New("is too long")
)

// checkLine refuses what a value that is read literally cannot contain.
func checkLine(s string) error {
	switch {
	case !utf8.ValidString(s):
		return errUTF8
	case strings.ContainsFunc(s, isControl):
		return errControl
	case s != strings.TrimSpace(s):
		return errors.New("begins or ends with white space")
	case (len(s)-len(strings.TrimRight(s, `\`)))%2 != 0:
		return errors.New("ends with a backslash")
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

func percents(s string) string { return strings.ReplaceAll(s, "%", "%%") }

// text is for keys that take the rest of the line, such as Description=.
func text(s string) (string, error) { return percents(s), checkLine(s) }

// absolute refuses anything but an absolute path in its shortest form. Depending on the key,
// systemd shortens other paths or refuses them.
func absolute(p string) error {
	switch {
	case !strings.HasPrefix(p, "/"):
		return errors.New("is not an absolute path")
	case len(p) >= 4096: // PATH_MAX
		return errTooLong
	case path.Clean(p) != p:
		return fmt.Errorf("is not in its shortest form (%s)", path.Clean(p))
	}
	return nil
}

// linePath is for keys whose whole value is one path without quotes or escapes, such as
// WorkingDirectory=. Spaces are literal.
func linePath(p string) (string, error) {
	if err := absolute(p); err != nil {
		return "", err
	}
	return text(p)
}

// listPath returns one word of a list of paths, such as ReadWritePaths=. A backslash quotes
// one character there, and does not begin a C escape.
func listPath(p string) (string, error) {
	if err := absolute(p); err != nil {
		return "", err
	}
	if strings.ContainsFunc(p, isControl) {
		return "", errControl
	}
	return word(percents(p))
}

// bare has the characters without a meaning in any pass.
const bare = "_-./:=,+@"

// word quotes s, if necessary, for a list whose words may contain C escapes.
func word(s string) (string, error) {
	switch {
	case !utf8.ValidString(s):
		return "", errUTF8
	case strings.ContainsRune(s, 0):
		return "", errNUL
	case only(s, bare):
		return s, nil
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case isControl(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String(), nil
}

// commandLine returns the value of ExecStart= or ExecReload=.
func commandLine(argv []string) (string, error) {
	if len(argv) == 0 {
		return "", errors.New("is empty")
	}
	program, err := programPath(argv[0])
	if err != nil {
		return "", fmt.Errorf("program path %q: %w", argv[0], err)
	}
	words := make([]string, 0, len(argv))
	words = append(words, program)
	for _, arg := range argv[1:] {
		// A word that is a single semicolon ends the command, unless it is quoted.
		w, err := word(strings.ReplaceAll(percents(arg), "$", "$$"))
		if err != nil {
			return "", fmt.Errorf("argument %q: %w", arg, err)
		}
		words = append(words, w)
	}
	return strings.Join(words, " "), nil
}

// programPath returns the first word of a command line. systemd refuses quotes and backslashes
// in it, however they are escaped, and does not expand a $. But the name that the program sees
// is expanded.
func programPath(p string) (string, error) {
	if err := absolute(p); err != nil {
		return "", err
	}
	switch {
	case p == "/":
		return "", errors.New("is a directory")
	case strings.ContainsFunc(p, isControl):
		return "", errControl
	case strings.ContainsAny(p, `"'\`):
		return "", errors.New(`has a quotation mark or a backslash: systemd does not start such a program; use a link to it`)
	case strings.Contains(p, "$$"), strings.Contains(p, "${"):
		return "", errors.New("has $$ or ${: systemd would pass another name to the program; use a link to it")
	}
	return word(percents(p))
}

// ownVariable reports whether systemd sets the variable for the service. Another value would
// defeat its purpose.
func ownVariable(name string) bool {
	switch name {
	case "NOTIFY_SOCKET", "MAINPID", "SYSTEMD_EXEC_PID", "WATCHDOG_PID", "WATCHDOG_USEC",
		"LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID", "LISTEN_PIDFDID":
		return true
	}
	return false
}

// assignment returns one word of Environment=. systemd ignores a variable with an invalid name
// or, in older versions, an invalid value, so assignment refuses these.
func assignment(name, value string) (string, error) {
	switch {
	case !only(name, "_") || isDigit(name[0]):
		return "", errors.New("use letters, digits and '_', not beginning with a digit")
	case ownVariable(name):
		return "", errors.New("systemd sets this variable itself")
	case strings.ContainsFunc(value, func(r rune) bool { return isControl(r) && r != '\n' && r != '\t' }):
		return "", errors.New("its value contains a control character")
	}
	return word(name + "=" + percents(value))
}

// account returns a user or group, as a name or number. It allows fewer characters than
// systemd does: only those without a meaning in any pass.
func account(s string) (string, error) {
	if !only(s, "_.@-") || strings.ContainsAny(s[:1], ".@-") {
		return "", errors.New("is not a valid name of a user or group")
	}
	return s, nil
}

// unitName returns the name of another unit, with the given suffix if it has none. It allows
// the characters of systemd.unit(5). A backslash stays literal in lists of units.
func unitName(s, suffix string) (string, error) {
	switch path.Ext(s) {
	case ".service", ".socket", ".device", ".mount", ".automount", ".swap", ".target", ".path", ".timer", ".slice", ".scope":
	default:
		s += suffix
	}
	switch {
	case !only(s, `:_.\@-`), s[0] == '@', strings.Contains(s, "@."):
		return "", errors.New("is not a valid name of a unit")
	case len(s) > 255:
		return "", errTooLong
	}
	return s, nil
}

// only reports whether s is not empty and consists of ASCII letters, digits and the characters
// in others. It avoids regular expressions, which would be compiled at every start of a
// service.
func only(s, others string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !isLetter(r) && !isDigit(r) && !strings.ContainsRune(others, r)
	})
}

func isLetter[T rune | byte](c T) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func isDigit[T rune | byte](c T) bool { return c >= '0' && c <= '9' }
