package scm_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/holdfast-dev/holdfast/platform/internal/scm"
)

func TestCommandLine(t *testing.T) {
	for name, tt := range map[string]struct {
		argv []string
		line string
	}{
		"program only":             {[]string{`C:\x.exe`}, `"C:\x.exe"`},
		"program with spaces":      {[]string{`C:\Program Files\a b\x.exe`, "run"}, `"C:\Program Files\a b\x.exe" run`},
		"share":                    {[]string{`\\server\share\x.exe`}, `"\\server\share\x.exe"`},
		"plain stays plain":        {[]string{"x", "run", "--config", `C:\etc\a.toml`}, `"x" run --config C:\etc\a.toml`},
		"empty":                    {[]string{"x", "", ""}, `"x" "" ""`},
		"space":                    {[]string{"x", "a b"}, `"x" "a b"`},
		"tab and newline":          {[]string{"x", "a\tb", "a\nb"}, "\"x\" \"a\tb\" \"a\nb\""},
		"quotation mark":           {[]string{"x", `a"b`}, `"x" "a\"b"`},
		"backslash before a mark":  {[]string{"x", `a\"b`}, `"x" "a\\\"b"`},
		"two of them":              {[]string{"x", `a\\"b`}, `"x" "a\\\\\"b"`},
		"backslash at the end":     {[]string{"x", `C:\a b\`}, `"x" "C:\a b\\"`},
		"two of them at the end":   {[]string{"x", `C:\a b\\`}, `"x" "C:\a b\\\\"`},
		"at the end without space": {[]string{"x", `C:\a\`, "b"}, `"x" C:\a\ b`},
		"backslashes inside":       {[]string{"x", `a\\b c`}, `"x" "a\\b c"`},
		"unicode":                  {[]string{"x", "grüße 日本 𝄞"}, `"x" "grüße 日本 𝄞"`},
		"shell characters":         {[]string{"x", "^&|<>()!'`$;"}, "\"x\" ^&|<>()!'`$;"},
		"one percent sign":         {[]string{"x", "100%"}, `"x" 100%`},
	} {
		t.Run(name, func(t *testing.T) {
			line, err := scm.CommandLine(tt.argv)
			if err != nil || line != tt.line {
				t.Errorf("%s, %v, want %s", line, err, tt.line)
			}
			if got := parse(line); !slices.Equal(got, tt.argv) {
				t.Errorf("arrives as %q", got)
			}
			checkWithWindows(t, line, tt.argv)
		})
	}
}

func TestCommandLineRefuses(t *testing.T) {
	for name, argv := range map[string][]string{
		"nothing":         {},
		"NUL":             {"x", "a\x00b"},
		"not UTF-8":       {"x", "a\xff"},
		"mark in program": {`C:\a"b.exe`},
		"a variable":      {"x", "%PATH%"},
		"across two":      {"x", "50%", "60%"},
		"in the program":  {`C:\%x%\y.exe`},
		"too long":        {"x", strings.Repeat("a", 40000)},
		"in UTF-16":       {"x", strings.Repeat("𝄞", 17000)},
	} {
		t.Run(name, func(t *testing.T) {
			if line, err := scm.CommandLine(argv); err == nil {
				t.Errorf("became %.100s", line)
			}
		})
	}
}

func FuzzCommandLine(f *testing.F) {
	f.Add(`C:\a b\x.exe`, "plain", `a\\"b c\`)
	f.Add("x", "", `\`)
	f.Add("x", `"`, `\"\\" `)
	f.Fuzz(func(t *testing.T, program, one, two string) {
		argv := []string{program, one, two}
		line, err := scm.CommandLine(argv)
		if err != nil {
			sayable := !slices.ContainsFunc(argv, func(s string) bool { return !utf8.ValidString(s) || strings.ContainsRune(s, 0) })
			if sayable && !strings.Contains(program, `"`) && strings.Count(program+one+two, "%") < 2 && len(program+one+two) < 8000 {
				t.Errorf("%q: %v", argv, err)
			}
			return
		}
		if got := parse(line); !slices.Equal(got, argv) {
			t.Errorf("%q became %s, which arrives as %q", argv, line, got)
		}
		checkWithWindows(t, line, argv)
	})
}

// parse splits a command line as CommandLineToArgvW does.
func parse(line string) (argv []string) {
	program, rest, _ := strings.Cut(line[1:], `"`) // it begins with a quotation mark
	argv = append(argv, program)
	for {
		rest = strings.TrimLeft(rest, " \t")
		if rest == "" {
			return argv
		}
		var arg strings.Builder
		quoted := false
		for rest != "" && (quoted || rest[0] != ' ' && rest[0] != '\t') {
			n := len(rest) - len(strings.TrimLeft(rest, `\`))
			rest = rest[n:]
			if !strings.HasPrefix(rest, `"`) {
				arg.WriteString(strings.Repeat(`\`, n))
				if rest != "" && (quoted || rest[0] != ' ' && rest[0] != '\t') {
					arg.WriteByte(rest[0])
					rest = rest[1:]
				}
				continue
			}
			arg.WriteString(strings.Repeat(`\`, n/2))
			if n%2 == 1 {
				arg.WriteByte('"')
			} else {
				quoted = !quoted
			}
			rest = rest[1:]
		}
		argv = append(argv, arg.String())
	}
}
