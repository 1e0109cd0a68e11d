//go:build linux || darwin

package test_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// report has the fields of `status --json` that tests look at.
type report struct {
	Phase      platform.Phase
	Ready      bool
	PID        int
	Exe, User  string
	StartedBy  string     `json:"started_by"`
	StartedAt  *time.Time `json:"started_at"`
	Reloads    service.Reloads
	LastExit   *platform.Exit `json:"last_exit"`
	StatusText string         `json:"status_text"`
	Notes      []string
}

// status returns the report of `status --json`, whose exit code must be code.
func (p *place) status(t *testing.T, code int) report {
	t.Helper()
	return p.begin(t, "status", "--json").report(t, code)
}

// statusWithoutItsFile is status of a service whose state file does not say anything. It counts
// as starting for 15 s, which are over soon on a busy machine, and then nobody knows whether it is
// ready.
func (p *place) statusWithoutItsFile(t *testing.T) report {
	t.Helper()
	asked := p.begin(t, "status", "--json")
	code := asked.end(t).code
	if code != 4 {
		code = 0
	}
	return asked.report(t, code)
}

// report returns what a `status --json` that has been started reports in the end.
func (pr *process) report(t *testing.T, code int) (r report) {
	t.Helper()
	res := pr.end(t)
	res.want(t, code)
	if err := json.Unmarshal([]byte(res.out), &r); err != nil {
		t.Fatalf("status --json: %v:\n%s%s", err, res.out, res.err)
	}
	return r
}

// await waits until `status` shows a phase: the state file is slightly late.
func (p *place) await(t *testing.T, phase platform.Phase) {
	t.Helper()
	wait.Until(t, fmt.Sprintf("its phase is %q", phase), func() bool { return p.status(t, 0).Phase == phase })
}

// holds fails the test unless the files name a and a second start is refused.
func (p *place) holds(t *testing.T, a *process) {
	t.Helper()
	if got, want := content(t, p.pidFile()), fmt.Sprintln(a.pid); got != want {
		t.Errorf("the PID file holds %q, want %q", got, want)
	}
	if s := p.status(t, 0); s.PID != a.pid {
		t.Errorf("status names %d, want %d", s.PID, a.pid)
	}
	p.start(t, plan{}).end(t).want(t, 75, "already running", fmt.Sprintf("pid %d", a.pid))
}

// clean fails the test if an instance left anything except its records.
func (p *place) clean(t *testing.T) {
	t.Helper()
	entries, err := os.ReadDir(p.run)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	for _, e := range entries {
		t.Errorf("left in the runtime directory: %s", e.Name())
	}
	entries, err = os.ReadDir(p.state)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	for _, e := range entries {
		if path := filepath.Join(p.state, e.Name()); path != p.lockFile() && path != p.mutexFile() && path != p.lastRun() &&
			path != filepath.Join(p.state, "feedd.settings.json") && path != filepath.Join(p.state, "feedd.term") {
			t.Errorf("left in the state directory: %s", e.Name())
		}
	}
}

// free fails the test unless nobody holds the lock: a start succeeds, and ends
// as it should.
func (p *place) free(t *testing.T) {
	t.Helper()
	p.ready(t, plan{}).stop(t)
	p.clean(t)
}

// last returns the record of the last run.
func (p *place) last(t *testing.T) recovery.LastRun {
	t.Helper()
	last, err := recovery.Read(p.lastRun())
	must(t, err)
	return last
}

// snapshot returns the present files of an instance, by path.
type snapshot map[string]picture

type picture struct {
	info fs.FileInfo
	text string
}

func (p *place) snapshot(t *testing.T) snapshot {
	t.Helper()
	s := make(snapshot)
	for _, path := range []string{p.pidFile(), p.lockFile(), p.mutexFile(), p.lastRun(), p.stateFile()} {
		info, err := os.Lstat(path)
		must(t, err)
		s[path] = picture{info, content(t, path)}
	}
	return s
}

// unchanged fails the test unless they are the same files, and were never written since.
func (s snapshot) unchanged(t *testing.T) {
	t.Helper()
	for path, was := range s {
		info, err := os.Lstat(path)
		must(t, err)
		if text := content(t, path); text != was.text || !os.SameFile(info, was.info) ||
			!info.ModTime().Equal(was.info.ModTime()) || info.Mode() != was.info.Mode() {
			t.Errorf("%s was touched: %v\n%sand is %v\n%s", path, was.info, was.text, info, text)
		}
	}
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return string(b)
}

// copyFile copies a program. Nobody may fork meanwhile: a child that has the file open for
// writing, if only for an instant, makes the program busy (golang.org/issue/22315).
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	r, err := os.Open(from)
	must(t, err)
	defer func() { _ = r.Close() }()
	w, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	must(t, err)
	_, err = io.Copy(w, r)
	must(t, errors.Join(err, w.Close()))
}

// leave puts a file where a dead instance would have left it.
func (p *place) leave(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(text), 0o644))
	if p.attr != nil && p.attr.Credential != nil {
		uid, gid := int(p.attr.Credential.Uid), int(p.attr.Credential.Gid)
		must(t, errors.Join(os.Chown(filepath.Dir(path), uid, gid), os.Chown(path, uid, gid)))
	}
}
