package installer_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/installer"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
)

// machine is a System of real files below a directory and commands that are
// noted, and fail if they are told to.
type machine struct {
	dir  string
	ran  []string
	fail string // the command or file that fails
	seen func(argv string)
}

var errBroken = errors.New("broken")

func (m *machine) at(path string) string                 { return filepath.Join(m.dir, path) }
func (m *machine) ReadFile(path string) ([]byte, error)  { return os.ReadFile(m.at(path)) }
func (m *machine) Remove(path string) error              { return os.Remove(m.at(path)) }
func (m *machine) RemoveAll(path string) error           { return os.RemoveAll(m.at(path)) }
func (m *machine) Stat(path string) (fs.FileInfo, error) { return os.Stat(m.at(path)) }
func (m *machine) WriteFile(path string, content []byte, mode fs.FileMode) error {
	if filepath.ToSlash(path) == m.fail { // what is beside another file is joined to its directory
		return errBroken
	}
	m.ran = append(m.ran, "write "+path)
	return files.Replace(m.at(path), content, mode, false)
}

func (m *machine) Run(ctx context.Context, argv ...string) (string, error) {
	command := strings.Join(argv, " ")
	m.ran = append(m.ran, command)
	if m.seen != nil {
		m.seen(command)
	}
	if command == m.fail {
		return "", &platform.CommandError{Argv: argv, Code: 1, Err: errBroken}
	}
	return "", ctx.Err()
}

// tree returns all files of the machine with mode and content.
func (m *machine) tree(t *testing.T) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(m.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		info, _ := d.Info()
		mode := info.Mode()
		if !installer.ModesCount {
			mode = 0o644 // it reads back as 0666, whatever it was written with
		}
		all[filepath.ToSlash(strings.TrimPrefix(path, m.dir))] = fmt.Sprintf("%v %s", mode, content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func newMachine(t *testing.T) *machine {
	m := &machine{dir: t.TempDir()}
	for path, content := range map[string]string{"/old.service": "old", "/gone": "to be removed"} {
		if err := os.WriteFile(m.at(path), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

var plan = []platform.Step{
	{Kind: platform.StepWriteFile, Describe: "write new", Path: "/new.service", Mode: 0o644, Content: []byte("new")},
	{Kind: platform.StepWriteFile, Describe: "write old", Path: "/old.service", Mode: 0o644, Content: []byte("newer")},
	{Kind: platform.StepCopyFile, Describe: "copy", Source: "/old.service", Path: "/copy", Mode: 0o755},
	{Kind: platform.StepRun, Describe: "reload", Argv: []string{"reload"}, Undo: []string{"reload", "back"}},
	{Kind: platform.StepRemoveFile, Describe: "remove", Path: "/gone"},
	{Kind: platform.StepRemoveFile, Describe: "remove what is not there", Path: "/absent"},
	{Kind: platform.StepRun, Describe: "try", Argv: []string{"try"}, MayFail: true},
	{Kind: platform.StepRun, Describe: "enable", Argv: []string{"enable"}, Undo: []string{"disable"}},
}

func TestApplyTwice(t *testing.T) {
	m := newMachine(t)
	executable := "-rwxr-xr-x"
	if !installer.ModesCount {
		executable = "-rw-r--r--"
	}
	for range 2 {
		if err := installer.Apply(t.Context(), m, plan, nil); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"/new.service": "-rw-r--r-- new", "/old.service": "-rw-r--r-- newer", "/copy": executable + " newer"}
		if got := m.tree(t); !reflect.DeepEqual(got, want) {
			t.Errorf("files %v, want %v", got, want)
		}
	}
	if n := strings.Count(strings.Join(m.ran, "\n"), "write "); n != 3 {
		t.Errorf("%d writes, want 3: the second time nothing differs", n)
	}
}

// Whatever fails, the machine is as it was before.
func TestAFailureTakesEverythingBack(t *testing.T) {
	for _, fail := range []string{"/new.service", "/old.service", "/copy", "reload", "enable"} {
		t.Run(fail, func(t *testing.T) {
			m := newMachine(t)
			before := m.tree(t)
			m.fail = fail
			err := installer.Apply(t.Context(), m, plan, nil)
			if !errors.Is(err, errBroken) {
				t.Fatalf("got %v", err)
			}
			if got := m.tree(t); !reflect.DeepEqual(got, before) {
				t.Errorf("files %v, before %v", got, before)
			}
			if undone := slices.Contains(m.ran, "reload back"); undone != slices.Contains(m.ran, "reload") {
				t.Errorf("ran %q", m.ran)
			}
		})
	}
}

func TestInterruptedIsTakenBack(t *testing.T) {
	m := newMachine(t)
	before := m.tree(t)
	ctx, cancel := context.WithCancel(t.Context())
	m.seen = func(command string) {
		if command == "try" {
			cancel()
		}
	}
	err := installer.Apply(ctx, m, plan, nil)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if got := m.tree(t); !reflect.DeepEqual(got, before) {
		t.Errorf("files %v, before %v", got, before)
	}
}

func TestWhatMayFailIsReported(t *testing.T) {
	m := newMachine(t)
	m.fail = "try"
	var told []string
	err := installer.Apply(t.Context(), m, plan, func(s platform.Step, err error) {
		if err != nil {
			told = append(told, s.Describe)
		}
	})
	if err != nil || !reflect.DeepEqual(told, []string{"try"}) {
		t.Errorf("%v, told %q", err, told)
	}
}

func TestUnknownStep(t *testing.T) {
	if err := installer.Apply(t.Context(), newMachine(t), []platform.Step{{Kind: "dance", Describe: "x"}}, nil); err == nil {
		t.Error("no error")
	}
}

// A step with Until is repeated until its command ends with that exit code, and has succeeded
// then.
func TestUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait := platform.Step{Kind: platform.StepRun, Describe: "wait", Argv: []string{"look"}, Until: 1, Within: time.Minute}
		m := newMachine(t)
		m.seen = func(string) {
			if len(m.ran) == 3 {
				m.fail = "look"
			}
		}
		if err := installer.Apply(t.Context(), m, []platform.Step{wait}, nil); err != nil || len(m.ran) != 3 {
			t.Errorf("%v, ran %q", err, m.ran)
		}
		m = newMachine(t)
		begun := time.Now()
		if err := installer.Apply(t.Context(), m, []platform.Step{wait}, nil); !errors.Is(err, platform.ErrTimeout) {
			t.Errorf("never: %v", err)
		}
		if took := time.Since(begun); took != time.Minute {
			t.Errorf("gave up after %v", took)
		}
		wait.Until, m = 2, newMachine(t) // it ends with another code all the time
		m.fail = "look"
		if err := installer.Apply(t.Context(), m, []platform.Step{wait}, nil); !errors.Is(err, platform.ErrTimeout) {
			t.Errorf("another code: %v", err)
		}
	})
}
