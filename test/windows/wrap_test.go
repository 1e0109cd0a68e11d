//go:build windows

package windows_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/windows"
)

// wrappedMain runs this binary as a console program that knows nothing of services, or as one
// of its commands. The environment names its directory.
func wrappedMain(part string) int {
	dir := os.Getenv("WRAPPED_DIR")
	note := func(name string, text any) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path+".new", []byte(fmt.Sprint(text)), 0o644); err != nil {
			panic(err)
		}
		for os.Rename(path+".new", path) != nil { // a file that a test reads just now cannot be replaced
			time.Sleep(10 * time.Millisecond)
		}
	}
	switch part {
	case "check":
		if _, err := os.Stat(filepath.Join(dir, "bad")); err == nil {
			fmt.Println("line 7 is nonsense")
			return 3
		}
	case "reload":
		note("reloaded", "yes")
	case "child": // it takes no request to end
		signal.Ignore(os.Interrupt)
		note("child", os.Getpid())
		time.Sleep(time.Hour)
	default:
		asked := make(chan os.Signal, 1)
		signal.Notify(asked, os.Interrupt)
		child := exec.Command(os.Args[0], "wrapped", "child")
		if err := child.Start(); err != nil {
			panic(err)
		}
		for { // so whoever is ready has one
			if _, err := os.Stat(filepath.Join(dir, "child")); err == nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		fmt.Println("serving")
		note("up", os.Getpid())
		<-asked
		note("ended", "in order")
	}
	return 0
}

// wrapping is a service of examples/wrap, and the directory of the wrapped program.
type wrapping struct{ *installed }

func newWrapping(t *testing.T) wrapping {
	t.Helper()
	return newWrappingBy(t, wrapExe(t))
}

func wrapExe(t *testing.T) string {
	t.Helper()
	dir, err := buildPrograms()
	must(t, err)
	return filepath.Join(dir, "wrap.exe")
}

// newWrappingBy returns a service of another copy of wrap.
func newWrappingBy(t *testing.T, exe string) wrapping {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	w := wrapping{newService(t, exe, "wrapped")}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(w.do(t, "status", "wrapped").out)
		}
		w.do(t, "uninstall", "wrapped")
	})
	part := func(name string) string { return "['" + self + "', 'wrapped', '" + name + "']" }
	w.write(t, "[service]", "start_timeout = '"+unlimited.String()+"'", "stop_timeout = '"+unlimited.String()+"'", "reload_timeout = '"+unlimited.String()+"'",
		"[service.restart]", "delay = '100ms'", "[wrap]", "command = "+part("program"), "[wrap.env]", "WRAPPED_DIR = '"+w.dir+"'",
		"[wrap.ready]", "file = '"+filepath.Join(w.dir, "up")+"'", "[wrap.reload]", "check = "+part("check"), "command = "+part("reload"), "timeout = '"+unlimited.String()+"'")
	return w
}

// processes returns the wrapped program and its child.
func (w wrapping) processes(t *testing.T) (all []windows.Handle) {
	t.Helper()
	for _, name := range []string{"up", "child"} {
		pid, err := strconv.Atoi(read(t, filepath.Join(w.dir, name)))
		must(t, err)
		all = append(all, process(t, pid))
	}
	return all
}

// forget removes what they have written, so that later files belong to the next processes.
func (w wrapping) forget(t *testing.T) {
	t.Helper()
	for _, name := range []string{"up", "child"} {
		must(t, os.Remove(filepath.Join(w.dir, name)))
	}
}

// nobody waits until all of them have ended.
func nobody(t *testing.T, all []windows.Handle) {
	t.Helper()
	for _, h := range all {
		eventually(t, "nobody is left", func() bool { return gone(t, h) })
	}
}

// The whole life of a console program under the SCM.
func TestWrappedLife(t *testing.T) {
	t.Parallel()
	w := newWrapping(t)
	w.do(t, "install", "wrapped", "--start").must(t)
	if !w.registered(t) {
		t.Fatal("the SCM does not know it")
	}
	first := w.runningAs(t)
	if first.StartedBy != "scm" {
		t.Errorf("status: %+v", first)
	}
	w.do(t, "reload", "wrapped").want(t, 0)
	if read(t, filepath.Join(w.dir, "reloaded")) != "yes" {
		t.Error("it was not told of the reload")
	}
	add(t, filepath.Join(w.dir, "bad"), "")
	w.do(t, "reload", "wrapped").want(t, 1, "line 7 is nonsense")
	if st := w.runningAs(t); st.PID != first.PID || st.Reloads.Failed != 1 {
		t.Errorf("status after a reload that was refused: %+v", st)
	}

	all := w.processes(t)
	w.do(t, "stop", "wrapped").must(t)
	nobody(t, all)
	if read(t, filepath.Join(w.dir, "ended")) != "in order" {
		t.Error("it was not asked to end")
	}

	w.do(t, "start", "wrapped").must(t)
	all = w.processes(t)
	w.forget(t)
	w.do(t, "restart", "wrapped").must(t)
	nobody(t, all)
	all = w.processes(t)
	w.do(t, "uninstall", "wrapped").must(t)
	nobody(t, all)
	if w.registered(t) {
		t.Error("the SCM still knows it")
	}
}

// If the wrapper or the program is killed, nothing that belongs to it is left. The next start
// starts both.
func TestWrappedKilled(t *testing.T) {
	t.Parallel()
	w := newWrapping(t)
	w.do(t, "install", "wrapped", "--start").must(t)
	all := w.processes(t)
	w.forget(t)
	kill(t, process(t, w.runningAs(t).PID))
	nobody(t, all)
	w.do(t, "start", "wrapped").must(t) // or the SCM was quicker
	all = w.processes(t)
	w.forget(t)
	kill(t, all[0])
	nobody(t, all)
	eventually(t, "the service has ended, or runs again", func() bool {
		st := w.statusAs(t)
		return st.code != 0 || st.PID != 0 && read(t, filepath.Join(w.dir, "up")) != ""
	})
	w.do(t, "start", "wrapped").must(t)
	w.runningAs(t)
}

// Another version of the wrapper is tried and rolled back. Each time the program ends in
// order, and runs again.
func TestWrappedUpgrade(t *testing.T) {
	t.Parallel()
	first := []byte(read(t, wrapExe(t)))
	second := append(bytes.Clone(first), "another"...)
	dir := t.TempDir()
	exe, candidate := filepath.Join(dir, "wrap.exe"), filepath.Join(dir, "candidate.exe")
	must(t, os.WriteFile(exe, first, 0o755))
	must(t, os.WriteFile(candidate, second, 0o755))
	w := newWrappingBy(t, exe)
	w.do(t, "install", "wrapped", "--start").must(t)
	for _, step := range []struct {
		args []string
		want []byte
	}{{[]string{"upgrade", "wrapped", candidate}, second}, {[]string{"rollback", "wrapped"}, first}} {
		all := w.processes(t)
		w.forget(t)
		_ = os.Remove(filepath.Join(w.dir, "ended"))
		w.do(t, step.args[0], append(step.args[1:], "--settle", "1s")...).must(t)
		nobody(t, all)
		w.runningAs(t)
		w.processes(t)
		if read(t, filepath.Join(w.dir, "ended")) != "in order" {
			t.Errorf("%s: the program was not asked to end", step.args[0])
		}
		if !bytes.Equal([]byte(read(t, exe)), step.want) {
			t.Errorf("%s: another program is in its place", step.args[0])
		}
	}
}

func (w wrapping) statusAs(t *testing.T) status {
	t.Helper()
	return parseStatus(t, w.do(t, "status", "wrapped", "--json"))
}

func (w wrapping) runningAs(t *testing.T) status {
	t.Helper()
	st := w.statusAs(t)
	if st.code != 0 || !st.Ready || st.PID == 0 {
		t.Fatalf("not running: %+v", st)
	}
	return st
}
