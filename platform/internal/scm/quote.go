package scm

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxCommandLine is CreateProcess's limit, in UTF-16 units with the NUL.
const maxCommandLine = 32767

// CommandLine joins a program and its arguments so that Windows starts exactly this program,
// and the program gets exactly these arguments. It follows the rules of CommandLineToArgvW and
// of the C runtime, which Go follows, too. The program is always quoted, because Windows would
// otherwise try C:\Program.exe first (CWE-428). CommandLine does not touch the machine. The
// error names an argument that cannot be passed.
func CommandLine(argv []string) (string, error) {
	if len(argv) == 0 {
		return "", errors.New("no program")
	}
	for _, arg := range argv {
		if err := sayable(arg); err != nil {
			return "", fmt.Errorf("%q: %w", arg, err)
		}
	}
	// The program has rules of its own: it extends to the next quote.
	if strings.Contains(argv[0], `"`) {
		return "", fmt.Errorf("%q: a file name cannot contain a quotation mark", argv[0])
	}
	b := append(append([]byte{'"'}, argv[0]...), '"')
	for _, arg := range argv[1:] {
		b = appendArg(append(b, ' '), arg)
	}
	line := string(b)
	switch {
	case expandable(line):
		// ImagePath is a REG_EXPAND_SZ, in which a percent sign cannot be escaped.
		return "", fmt.Errorf("%s: Windows would replace the text between two percent signs by a variable's value: "+
			"put that text into the configuration file", line)
	case utf16Len(line) >= maxCommandLine:
		return "", fmt.Errorf("the command line has %d characters, and Windows allows %d", utf16Len(line), maxCommandLine-1)
	}
	return line, nil
}

// appendArg quotes arg if necessary. Backslashes are literal unless a quotation mark follows:
// then n of them become 2n+1, and n at the end become 2n.
func appendArg(b []byte, arg string) []byte {
	if arg != "" && !strings.ContainsAny(arg, " \t\n\v\"") {
		return append(b, arg...)
	}
	b = append(b, '"')
	backslashes := 0
	for i := range len(arg) {
		switch c := arg[i]; c {
		case '\\':
			backslashes++
		case '"':
			b = append(b, strings.Repeat(`\`, backslashes+1)...)
			backslashes = 0
		default:
			backslashes = 0
		}
		b = append(b, arg[i])
	}
	b = append(b, strings.Repeat(`\`, backslashes)...)
	return append(b, '"')
}

// expandable reports whether ExpandEnvironmentStrings could change line. It looks for a name
// between two percent signs.
func expandable(line string) bool {
	_, rest, ok := strings.Cut(line, "%")
	return ok && strings.Contains(rest, "%")
}

func sayable(s string) error {
	switch {
	case !utf8.ValidString(s):
		return errors.New("is not UTF-8")
	case strings.ContainsRune(s, 0):
		return errors.New("has a NUL, which ends every string on Windows")
	}
	return nil
}

// utf16Len returns the length of s in UTF-16.
func utf16Len(s string) (n int) {
	for _, r := range s {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}
