//go:build windows

package windows_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/windows/registry"
)

// awkward has arguments for which quoting is easy to get wrong. (%PATH% is refused: Windows
// would expand it.)
var awkward = []string{
	"", "a b", " ", `"`, `""`, `a"b`, `\`, `\\`, `a\`, `a b\`, `a b\\`, `\"`, `\\"`, `a\"b c`, `C:\Program Files\x\`,
	"50%", "^&|<>()!", "*", "?.go", "'", "`", "$x", "tab\there", "ünï☃𝔘", "--", "-x", "--instance-like",
}

// The arguments of the service reach its process unchanged, through the registry, the SCM and
// the command line.
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

// The program itself is in a directory with a space: an unquoted path would run C:\Program.exe
// (CWE-428).
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
	exe, err = filepath.EvalSymlinks(exe) // Temp may be RUNNER~1's
	must(t, err)
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, `SYSTEM\CurrentControlSet\Services\`+s.name, registry.QUERY_VALUE)
	must(t, err)
	path, _, err := key.GetStringValue("ImagePath")
	must(t, errors.Join(err, key.Close()))
	if !strings.HasPrefix(path, `"`+exe+`" `) {
		t.Errorf("registered as %s", path)
	}
	s.running(t)
	s.do(t, "uninstall").must(t) // before its directory goes
}
