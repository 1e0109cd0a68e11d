package initdtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Golden compares a script with the file testdata/name, or updates that file, and checks the
// script with shells and shellcheck.
func Golden(t *testing.T, name string, script []byte, update bool) {
	t.Helper()
	golden := filepath.Join("testdata", name)
	if update {
		if err := os.WriteFile(golden, script, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(script) != string(want) {
		t.Errorf("differs from %s (-update writes it):\n%s", golden, script)
	}
	Judge(t, script, "dash", "bash", "shellcheck")
}

// Judge lets the given programs, as far as this machine has them, check a script.
func Judge(t *testing.T, script []byte, judges ...string) {
	t.Helper()
	flags := map[string][]string{"dash": {"-n"}, "bash": {"--posix", "-n"}, "shellcheck": {"--norc"}}
	file := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(file, script, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, judge := range judges {
		path, err := exec.LookPath(judge)
		if err != nil {
			t.Logf("not judged by %s: it is not here", judge)
			continue
		}
		if out, err := exec.CommandContext(t.Context(), path, append(flags[judge], file)...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v:\n%s\n%s", strings.Join(append([]string{judge}, flags[judge]...), " "), err, out, script)
		}
	}
}
