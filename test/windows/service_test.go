//go:build windows

package windows_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/test/wait"
)

// soon limits every wait. It matters only to a test that fails.
const soon = wait.Limit

// installed is one service under test: a program, and where an instance of it lives.
type installed struct {
	exe, name string // name is the manager's
	instance  string
	config    string // file
	told      string // file: what a feedd tells
	log       string // file: what the framework logs
	dir       string // for the test
}

// requireVariable makes tests fail, with the value "require", that would otherwise be skipped
// for lack of rights.
const requireVariable = "HOLDFAST_WINDOWS"

// newService returns a service that has not been installed yet. If it is installed at the end
// of the test, it is removed.
func newService(t *testing.T, exe, program string) *installed {
	t.Helper()
	if !administrator(t) {
		if os.Getenv(requireVariable) == "require" {
			t.Fatalf("not an Administrator (%s makes this a failure)", requireVariable)
		}
		t.Skip("only an Administrator may install services: run the tests as one")
	}
	instance := fmt.Sprintf("t%08x", rand.Uint32())
	dir := t.TempDir()
	s := &installed{
		exe: exe, name: program + "@" + instance, instance: instance, dir: dir,
		config: filepath.Join(dir, program+".toml"), told: filepath.Join(dir, "told"),
		log: filepath.Join(dir, "log"),
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s told:\n%sand logged:\n%s", s.name, read(t, s.told), read(t, s.log))
			t.Logf("status: %s", s.do(t, "status").out)
		}
		s.do(t, "uninstall")
		_ = os.RemoveAll(s.base())
	})
	return s
}

// newFeedd returns this test binary as a service, with those lines of configuration.
func newFeedd(t *testing.T, lines ...string) *installed {
	t.Helper()
	exe, err := os.Executable()
	must(t, err)
	s := newService(t, exe, "feedd")
	s.configure(t, lines...)
	return s
}

// base is the directory that the service has by default.
func (s *installed) base() string {
	return filepath.Join(os.Getenv("ProgramData"), s.name)
}

func (s *installed) pidFile() string {
	return filepath.Join(s.base(), "run", s.name+".pid")
}

// configure writes the configuration of a feedd; lines before another table are for [feedd].
func (s *installed) configure(t *testing.T, lines ...string) {
	t.Helper()
	s.write(t, append([]string{"[feedd]", "tell = '" + s.told + "'"}, lines...)...)
}

// write replaces the configuration file in one step. The log is a file, so that it can be read
// on any system.
func (s *installed) write(t *testing.T, lines ...string) {
	t.Helper()
	text := append([]string{"[service.log]", "sink = 'file'", "file = '" + s.log + "'"}, lines...)
	must(t, os.WriteFile(s.config+".new", []byte(strings.Join(text, "\n")+"\n"), 0o644))
	must(t, os.Rename(s.config+".new", s.config))
}

// result describes how a command ended.
type result struct {
	argv []string
	code int
	out  string // both streams
}

// do runs a command of the program.
func (s *installed) do(t *testing.T, command string, more ...string) result {
	t.Helper()
	return s.doAs(t, nil, command, more...)
}

// doAs is do by another user, if attr has a token.
func (s *installed) doAs(t *testing.T, attr *syscall.SysProcAttr, command string, more ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	var out bytes.Buffer
	args := append(append([]string{command}, more...), "--instance", s.instance, "--config", s.config)
	var cmd *exec.Cmd
	eventually(t, s.exe+" is there", func() bool {
		cmd = exec.CommandContext(ctx, s.exe, args...)
		cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = &out, &out, attr
		err := cmd.Start()
		if away(err) {
			return false
		}
		must(t, err)
		return true
	})
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{args, cmd.ProcessState.ExitCode(), out.String()}
}

// away reports whether a program could not be started because an upgrade was about to rename another one to its path.
func away(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, windows.ERROR_MOD_NOT_FOUND)
}

// want fails the test unless the command ended with that code and its output contains all
// words.
func (r result) want(t *testing.T, code int, texts ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("%q: exit code %d, want %d\n%s", r.argv, r.code, code, r.out)
	}
	for _, text := range texts {
		if !strings.Contains(r.out, text) {
			t.Errorf("%q does not say %q:\n%s", r.argv, text, r.out)
		}
	}
}

// must is like want, but ends the test.
func (r result) must(t *testing.T) {
	t.Helper()
	if r.code != 0 {
		t.Fatalf("%q: exit code %d\n%s", r.argv, r.code, r.out)
	}
}

// status has some fields of `status --json`.
type status struct {
	Phase     string
	Ready     bool
	PID       int
	Manager   string
	Installed bool
	StartedBy string              `json:"started_by"`
	LastExit  *struct{ Code int } `json:"last_exit"`
	Reloads   struct {
		Completed, Failed int
		LastError         string `json:"last_error"`
	}
	Notes []string

	code int
}

func (s *installed) status(t *testing.T) status {
	t.Helper()
	return parseStatus(t, s.do(t, "status", "--json"))
}

func parseStatus(t *testing.T, r result) status {
	t.Helper()
	st := status{code: r.code}
	if err := json.Unmarshal([]byte(r.out), &st); err != nil {
		t.Fatalf("status: %v:\n%s", err, r.out)
	}
	return st
}

// running returns the status of a service that must be ready.
func (s *installed) running(t *testing.T) status {
	t.Helper()
	st := s.status(t)
	if st.code != 0 || !st.Ready || st.PID == 0 {
		t.Fatalf("not running: %+v", st)
	}
	return st
}

// tells waits until the service has written n lines that begin so, and returns the last one.
func (s *installed) tells(t *testing.T, begin string, n int) string {
	t.Helper()
	var last string
	eventually(t, fmt.Sprintf("%s tells %q %d times", s.name, begin, n), func() bool {
		lines := s.lines(t, begin)
		if len(lines) < n {
			return false
		}
		last = lines[len(lines)-1]
		return true
	})
	return last
}

func (s *installed) lines(t *testing.T, begin string) (lines []string) {
	t.Helper()
	for line := range strings.Lines(read(t, s.told)) {
		if strings.HasPrefix(line, begin) {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	return lines
}

// read returns the content of a file, or nothing if it does not exist.
func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	return string(data)
}

func add(t *testing.T, name string, lines ...string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	must(t, err)
	_, err = f.WriteString(strings.Join(lines, "\n") + "\n")
	must(t, errors.Join(err, f.Close()))
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	wait.Until(t, what, ok)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
