package test_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/singleton"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// A record that the service's user wrote about the holder can name only a process of that
// user: root acts on nothing else because of it. The image is no part of an identity, so
// nothing but the record stands between root's stop and any other process.

// pretends makes this test hold the name of p as its user could: with a record of that user,
// or one that the user put there, and a locked mutex.
func (p *place) pretends(t *testing.T, uid int) {
	t.Helper()
	lock, err := os.OpenFile(p.mutexFile(), os.O_RDWR|os.O_CREATE, 0o600)
	must(t, err)
	t.Cleanup(func() { _ = lock.Close() })
	must(t, lock.Chown(uid, uid))
	must(t, syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB))
}

func TestIssue11_ForgedRecordsHaveRootSignalNobody(t *testing.T) {
	for name, forge := range map[string]func(t *testing.T, record, into string){
		"a copy of root's record": func(t *testing.T, record, into string) {
			must(t, os.WriteFile(into, []byte(content(t, record)), 0o644))
			must(t, os.Chown(into, plainUser, plainUser))
		},
		"another name of root's record": func(t *testing.T, record, into string) { must(t, os.Link(record, into)) },
		"root's record, moved": func(t *testing.T, record, into string) {
			must(t, os.Rename(record, into))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Root has a service in a directory of the user, too.
			theirs := publicPlace(t, plainUser)
			roots := theirs.as(0)
			roots.run, roots.state = filepath.Join(filepath.Dir(theirs.run), "rootsrun"), filepath.Join(filepath.Dir(theirs.state), "rootsstate")
			for _, dir := range []string{theirs.run, theirs.state, roots.run, roots.state} {
				must(t, os.Mkdir(dir, 0o755))
				must(t, os.Chown(dir, plainUser, plainUser))
			}
			a := roots.ready(t, plan{})
			roots.holds(t, a) // its own record is believed

			forge(t, roots.lockFile(), theirs.lockFile())
			theirs.pretends(t, plainUser)
			root := theirs.as(0)
			for _, verb := range []string{"stop", "reload"} {
				root.do(t, verb).want(t, 1, "cannot be identified", "no process is signalled")
			}
			if s := root.status(t, 4); s.PID != 0 {
				t.Errorf("status takes %d for the holder", s.PID)
			}
			if !a.alive() || a.out.count("reload") != 0 {
				t.Errorf("root's service was signalled:\n%s", a.out.text())
			}
			a.stop(t)
		})
	}
}

// A holder of the user executes a set-uid program after it was verified. It is the same
// process, but it now belongs to root.
func TestIssue11_AHolderThatBecomesRootIsNotSignalled(t *testing.T) {
	p := publicPlace(t, plainUser)
	for _, dir := range []string{p.run, p.state} {
		must(t, os.Mkdir(dir, 0o755))
		must(t, os.Chown(dir, plainUser, plainUser))
	}
	setuid := p.exe + "-setuid"
	copyFile(t, p.exe, setuid)
	must(t, os.Chmod(setuid, 0o755|os.ModeSetuid))
	f := p.launch(t, "turncoat", plan{}, setuid, p.lockFile(), p.mutexFile())
	f.out.await(t, "recorded")
	h := probe(t, p)
	if h.PID != f.pid {
		t.Fatalf("the holder is %v, want %d", h, f.pid)
	}
	f.order(t, "turn")
	f.out.await(t, "up")
	wait.Until(t, "it is root's", func() bool {
		info, err := os.Stat("/proc/" + strconv.Itoa(f.pid))
		must(t, err)
		return info.Sys().(*syscall.Stat_t).Uid == 0
	})
	if alive, err := h.Alive(); !alive || err != nil {
		t.Fatalf("it is not the same process any more: %v %v", alive, err)
	}
	if err := h.Signal(syscall.SIGTERM); err == nil {
		t.Error("it was signalled")
	}
	if h := probe(t, p); h.Known() {
		t.Errorf("the holder is %v", h)
	}
	must(t, f.stdin.Close())
	if r := f.end(t); r.code != 0 || !strings.HasSuffix(r.out, "up\nend\n") {
		t.Errorf("it was not left alone: exit code %d, it said:\n%s", r.code, r.out)
	}
}

func probe(t *testing.T, p *place) singleton.Holder {
	t.Helper()
	h, err := singleton.Probe(singleton.Options{Name: "feedd", Dir: p.run, StateDir: p.state})
	must(t, err)
	return h
}

// The service's user decides which program it runs and what that file contains. A sparse
// file of a terabyte kept root's `status` reading for hours, and a lease on it delayed
// `status` for most of a minute.
func TestIssue11_StatusIsNotKeptByTheProgramsFile(t *testing.T) {
	p := publicPlace(t, plainUser)
	root := p.as(0)
	exe := *p
	exe.exe = filepath.Join(filepath.Dir(p.state), "feedd")
	for _, path := range []string{exe.exe, exe.exe + ".new"} {
		copyFile(t, p.exe, path)
		must(t, os.Chown(path, plainUser, plainUser))
		if err := os.Truncate(path, 1<<40); err != nil {
			t.Skip("no such long files here: ", err)
		}
	}
	a := exe.ready(t, plan{})
	must(t, os.Rename(exe.exe+".new", exe.exe))
	leased := p.squats(t, "lease", exe.exe)
	if !strings.Contains(leased.out.text(), "has "+exe.exe) {
		t.Errorf("no lease on it:\n%s", leased.out.text())
	}
	root.do(t, "status").want(t, 0, "the program on disk is newer", " is ready")
	root.do(t, "reload").want(t, 0)
	root.do(t, "stop").want(t, 0)
	a.end(t).want(t, 0)
	leased.leave(t)
}
