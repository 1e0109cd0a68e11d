//go:build windows

package windows_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// programsVariable names a directory with shipper.exe and wrap.exe, for machines without Go.
const programsVariable = "HOLDFAST_PROGRAMS"

// buildPrograms returns the directory of the examples that run under the manager.
var buildPrograms = sync.OnceValues(func() (string, error) {
	if dir := os.Getenv(programsVariable); dir != "" {
		return filepath.Abs(dir)
	}
	if _, err := exec.LookPath("go"); err != nil {
		return "", fmt.Errorf("%w: have %s name a directory with shipper.exe and wrap.exe", err, programsVariable)
	}
	dir, err := os.MkdirTemp("", "holdfast-windows-")
	if err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-o", dir+string(os.PathSeparator), "../../examples/shipper", "../../examples/wrap").CombinedOutput()
	if err != nil {
		return "", errors.Join(fmt.Errorf("go build: %w: %s", err, out), os.RemoveAll(dir))
	}
	return dir, nil
})

// shipped is a shipper with its only input and its output.
type shipped struct {
	*installed
	input, output string
}

func newShipper(t *testing.T) shipped {
	t.Helper()
	dir, err := buildPrograms()
	must(t, err)
	s := shipped{installed: newService(t, filepath.Join(dir, "shipper.exe"), "shipper")}
	s.input, s.output = filepath.Join(s.dir, "app log.txt"), filepath.Join(s.dir, "shipped.txt")
	s.match(t, "error")
	add(t, s.input, "error 0", "chatter")
	return s
}

func (s shipped) match(t *testing.T, pattern string) {
	t.Helper()
	s.write(t, "[shipper]", "inputs = ['"+s.input+"']", "output = '"+s.output+"'", "match = '"+pattern+"'",
		"[service]", "start_timeout = '"+unlimited.String()+"'", "stop_timeout = '"+unlimited.String()+"'")
}

// has waits until the output has exactly those lines.
func (s shipped) has(t *testing.T, lines ...string) {
	t.Helper()
	want := strings.Join(lines, "\n") + "\n"
	eventually(t, fmt.Sprintf("%q is shipped", lines), func() bool {
		return len(read(t, s.output)) >= len(want)
	})
	if got := read(t, s.output); got != want {
		t.Fatalf("shipped %q, want %q", got, want)
	}
}

// The whole life of a shipper, with a file that grows.
func TestShipperLife(t *testing.T) {
	t.Parallel()
	s := newShipper(t)
	s.do(t, "install").must(t)
	if !s.registered(t) {
		t.Fatal("the SCM does not know it")
	}
	if st := s.status(t); st.code != 3 || !st.Installed || st.Phase != "stopped" {
		t.Errorf("status before the first start: %+v", st)
	}
	s.do(t, "start").must(t)
	first := s.running(t)
	if first.Manager != "scm" || first.StartedBy != "scm" || first.Phase != "ready" {
		t.Errorf("status: %+v", first)
	}
	s.do(t, "start").want(t, 0) // once more is no failure, and no second process
	s.has(t, "error 0")
	add(t, s.input, "error 1", "warn 1")
	s.has(t, "error 0", "error 1")

	s.match(t, "error|warn")
	s.do(t, "reload").want(t, 0)
	add(t, s.input, "warn 2")
	s.has(t, "error 0", "error 1", "warn 2")

	// A bad configuration is found before the service is asked to reload. The service goes on
	// with the old one.
	s.match(t, "error|(")
	s.do(t, "reload").want(t, 78, "missing closing )")
	add(t, s.input, "warn 3")
	s.has(t, "error 0", "error 1", "warn 2", "warn 3")
	if st := s.running(t); st.Reloads.Completed != 1 || st.Reloads.Failed != 0 || st.PID != first.PID {
		t.Errorf("status after a good and a bad reload: %+v", st)
	}
	s.match(t, "error")

	h := process(t, first.PID)
	s.do(t, "stop").want(t, 0)
	if !gone(t, h) {
		t.Error("stop returned before the process was gone")
	}
	if _, err := os.Stat(s.pidFile()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("PID file after the stop: %v", err)
	}
	if st := s.status(t); st.code != 3 || st.LastExit == nil || st.LastExit.Code != 0 {
		t.Errorf("status after the stop: %+v", st)
	}
	s.do(t, "stop").want(t, 0)

	add(t, s.input, "error 4")
	s.do(t, "restart").must(t) // of a stopped one is a start
	s.has(t, "error 0", "error 1", "warn 2", "warn 3", "error 4")
	second := s.running(t)
	h = process(t, second.PID)
	s.do(t, "restart").must(t)
	if third := s.running(t); third.PID == second.PID || !gone(t, h) {
		t.Errorf("after the restart of process %d: %+v", second.PID, third)
	}
	s.do(t, "stop").want(t, 0)
	s.do(t, "uninstall").want(t, 0)
	if s.registered(t) {
		t.Error("the SCM still knows it")
	}
	if got := read(t, s.output); strings.Count(got, "\n") != 5 {
		t.Errorf("shipped twice, or not at all: %q", got)
	}
}

func TestShipperUninstallWhileRunning(t *testing.T) {
	t.Parallel()
	s := newShipper(t)
	s.do(t, "install", "--start").must(t)
	s.has(t, "error 0")
	h := process(t, s.running(t).PID)
	s.do(t, "uninstall").want(t, 0)
	if !gone(t, h) {
		t.Error("its process lives on")
	}
	if s.registered(t) {
		t.Error("the SCM still knows it")
	}
	s.do(t, "uninstall").want(t, 0)
	// After uninstall, the name can be used again at once, and lines that were shipped are not
	// shipped again.
	s.do(t, "install", "--start").must(t)
	add(t, s.input, "error 1")
	s.has(t, "error 0", "error 1")
}

func TestShipperInstallOverItself(t *testing.T) {
	t.Parallel()
	s := newShipper(t)
	s.do(t, "install", "--start").must(t)
	before := s.running(t)
	if r := s.do(t, "plan", "--diff"); r.code != 0 || strings.Contains(r.out, "+") {
		t.Errorf("what was just installed differs from what install would write: %+v", r)
	}
	s.do(t, "install").want(t, 0)
	s.do(t, "install", "--start").want(t, 0)
	if after := s.running(t); after.PID != before.PID {
		t.Errorf("the service was restarted: process %d, then %d", before.PID, after.PID)
	}
	s.do(t, "restart").must(t)
	add(t, s.input, "error 1")
	s.has(t, "error 0", "error 1")
}

// The process is killed: it ships no line twice, and the lines that came meanwhile are not
// lost.
func TestShipperKilled(t *testing.T) {
	t.Parallel()
	s := newShipper(t)
	s.do(t, "install", "--start").must(t)
	s.has(t, "error 0")
	first := s.running(t).PID
	kill(t, process(t, first))
	add(t, s.input, "error 1")
	s.do(t, "start").must(t) // or the SCM was quicker
	s.has(t, "error 0", "error 1")
	if st := s.running(t); st.PID == first {
		t.Errorf("status after the death of process %d: %+v", first, st)
	}
}
