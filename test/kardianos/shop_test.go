//go:build linux

package kardianos_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// shop compiles programs, each once for all beds, when the first bed needs it.
type shop struct {
	dir  string
	mu   sync.Mutex
	made map[string]func() (string, error)
}

func newShop(t *testing.T) *shop {
	t.Helper()
	return &shop{dir: t.TempDir(), made: map[string]func() (string, error){}}
}

// get returns the file of a program: "suite", one of ours, such as "agent" or
// "examples/minimal", or an example of the library, such as "logging/main.go".
func (w *shop) get(t *testing.T, system, name string) string {
	t.Helper()
	key := system + "/" + name
	w.mu.Lock()
	once := w.made[key]
	if once == nil {
		place := filepath.Join(w.dir, fmt.Sprint(len(w.made)))
		once = sync.OnceValues(func() (string, error) {
			if err := os.Mkdir(place, 0o755); err != nil {
				return "", err
			}
			switch name {
			case "suite":
				return suite(place, system)
			case "agent", "collector", "updater", "resolver":
				out := filepath.Join(place, name)
				return out, compile(system, "build", "-o", out, "./"+name)
			case "examples/kardianos", "examples/kardianos/before", "examples/minimal":
				out := filepath.Join(place, "program")
				return out, compile(system, "build", "-o", out, "../../"+name)
			}
			return theirs(place, system, name)
		})
		w.made[key] = once
	}
	w.mu.Unlock()
	file, err := once()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// compile runs go build or go test -c for a system.
func compile(system string, args ...string) error {
	cmd := exec.Command("go", args...)
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0", "GOOS="+system)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %q: %w\n%s", args, err, text)
	}
	return nil
}

// library returns the directory of the library in the module cache, its path, and our own
// directory.
func library() (dir, path, ours string, err error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}} {{.Path}}", "github.com/kardianos/service", "github.com/holdfast-dev/holdfast").Output()
	if err != nil {
		return "", "", "", err
	}
	words := strings.Fields(string(out))
	return words[0], words[1], words[2], nil
}

func oneLine(pkg string) string {
	return "package " + pkg + "\n\nimport \"github.com/holdfast-dev/holdfast/platform/kardianos\"\n\nfunc init() { kardianos.Adopt() }\n"
}

// theirs compiles an example of the library from the module cache, together with a file of
// ours that calls Adopt in an init. It changes nothing in the example, and writes nothing to
// the directories of the library or of holdfast.
func theirs(place, system, example string) (string, error) {
	dir, _, _, err := library()
	if err != nil {
		return "", err
	}
	// Overlaid on a directory of this module that does not exist.
	over, err := filepath.Abs(filepath.Join("laid-over", "main"))
	if err != nil {
		return "", err
	}
	line := filepath.Join(place, "adopt.go")
	if err := os.WriteFile(line, []byte(oneLine("main")), 0o644); err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
		filepath.Join(over, "adopt.go"): line,
		filepath.Join(over, "main.go"):  filepath.Join(dir, "example", example),
	}})
	if err != nil {
		return "", err
	}
	file := filepath.Join(place, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o644); err != nil {
		return "", err
	}
	out := filepath.Join(place, "program")
	return out, compile(system, "build", "-overlay", file, "-o", out, over)
}

// suite compiles all tests of the library, also those inside its package, in a copy of the
// module with one more file: Adopt, in an init. For Windows, TestRunInterrupt presses ctrl-C
// in place of ctrl-Break, which Wine accepts and delivers to nobody.
func suite(place, system string) (string, error) {
	dir, path, ours, err := library()
	if err != nil {
		return "", err
	}
	if err := os.CopyFS(filepath.Join(place, "library"), os.DirFS(dir)); err != nil {
		return "", err
	}
	files := map[string]string{"library/adopt_test.go": oneLine("service_test")}
	if system == "windows" {
		const helper = "library/servicetest_windows_test.go"
		text, err := os.ReadFile(filepath.Join(place, helper))
		if err != nil {
			return "", err
		}
		files[helper] = strings.Replace(string(text), "p.Call(syscall.CTRL_BREAK_EVENT, uintptr(pid))", "p.Call(syscall.CTRL_C_EVENT, 0)", 1)
		if files[helper] == string(text) {
			return "", errors.New(helper + " presses another key by now")
		}
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(ours, name))
		if err != nil {
			return "", err
		}
		files[name] = string(text)
	}
	files["go.mod"] += "\nreplace " + path + " => " + filepath.Join(place, "library") + "\n"
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(place, name), []byte(text), 0o644); err != nil {
			return "", err
		}
	}
	out := filepath.Join(place, "suite.exe")
	return out, compile(system, "test", "-vet=off", "-c", "-tags", "su", "-modfile", filepath.Join(place, "go.mod"), "-o", out, path)
}
