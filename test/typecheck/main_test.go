package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Code and tests that are wrong for one processor alone are found. Correct ones are not
// reported.
func TestTargets(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip(err)
	}
	exe := filepath.Join(t.TempDir(), "typecheck.exe")
	if out, err := exec.Command("go", "build", "-o", exe, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":       "module example.org/m\n\ngo 1.25\n",
		"m.go":         "package m\n\nconst Size int64 = 1 << 40\n",
		"m_linux.go":   "package m\n\nimport \"syscall\"\n\nvar Twice = syscall.Dup2\n",
		"m_test.go":    "package m_test\n\nimport \"example.org/m\"\n\nvar _ = int(m.Size)\n",
		"x_windows.go": "package m\n\nvar _ = syscall.Dup\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for target, want := range map[string]string{
		"linux/amd64":   "",
		"darwin/arm64":  "",
		"linux/arm64":   "undefined: syscall.Dup2",
		"linux/386":     "overflows",
		"windows/amd64": "undefined: syscall",
		"linux/none":    "no target",
	} {
		cmd := exec.Command(exe, target)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if (err != nil) != (want != "") || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v, want %q:\n%s", target, err, want, out)
		}
	}
}
