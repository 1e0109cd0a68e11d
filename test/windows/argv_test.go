//go:build windows

package windows_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// awkward are arguments that quoting gets wrong if it can.
var awkward = []string{
	"", "a b", " ", `"`, `""`, `a"b`, `\`, `\\`, `a\`, `a b\`, `a b\\`, `\"`, `\\"`, `a\"b c`, `C:\Program Files\x\`,
	"%PATH%", "%%", "^&|<>()!", "*", "?.go", "'", "`", "$x", "tab\there", "ünï☃𝔘", "--", "-x", "--instance-like",
}

// What the service is given reaches its process as it was said, by way of the registry, the SCM and the command line.
func TestArgumentsThroughTheSCM(t *testing.T) {
	t.Parallel()
	quoted, err := json.Marshal(awkward) // TOML's basic strings are a superset of what JSON writes
	must(t, err)
	s := newFeedd(t, "[service]", "args = "+string(quoted))
	s.do(t, "install", "--start").must(t)
	_, text, _ := strings.Cut(strings.TrimPrefix(s.tells(t, "start ", 1), "start "), " ")
	var argv []string
	must(t, json.Unmarshal([]byte(text), &argv))
	if n := len(argv) - len(awkward); n < 0 || !slices.Equal(argv[n:], awkward) {
		t.Errorf("the process has\n%q, want at its end\n%q", argv, awkward)
	}
}

// The program itself lies in a directory with a space: an unquoted path would run C:\Program.exe (CWE-428).
func TestProgramPathWithSpaces(t *testing.T) {
	t.Parallel()
	s := newFeedd(t)
	exe := filepath.Join(t.TempDir(), "My Programs & more", "feed d.exe")
	must(t, os.MkdirAll(filepath.Dir(exe), 0o755))
	data, err := os.ReadFile(s.exe)
	must(t, err)
	must(t, os.WriteFile(exe, data, 0o755))
	s.exe = exe
	s.do(t, "install", "--start").must(t)
	service := s.open(t)
	c, err := service.Config()
	must(t, err)
	must(t, service.Close())
	if !strings.HasPrefix(c.BinaryPathName, `"`+exe+`" `) {
		t.Errorf("registered as %s", c.BinaryPathName)
	}
	s.running(t)
	s.do(t, "uninstall").must(t) // before its directory goes
}
