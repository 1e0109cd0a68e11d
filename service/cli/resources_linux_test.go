package cli_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"os/user"
	"reflect"
	"slices"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// Everything is known about a shell with a child: what it uses, its children, its open files
// and their limit, its user, and whether somebody has suspended it.
func TestWhatProcTellsOfAProcess(t *testing.T) {
	shell := exec.Command("/bin/sh", "-c", "ulimit -Sn 77; sleep 3600 & echo; wait")
	out, err := shell.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	pid := shell.Process.Pid
	t.Cleanup(func() {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
		_ = shell.Wait()
	})
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil { // the child has begun
		t.Fatal(err)
	}

	m := cli.ThisMachine()
	r := m.Measure(pid)
	if r == nil || r.RSS < 1<<10 || r.Threads != 1 || r.FDs < 3 || r.CPU < 0 || r.Children != 1 {
		t.Errorf("%+v", r)
	}
	if n := cli.CountChildren(pid); n != 1 {
		t.Errorf("%d children among all processes", n)
	}
	if used, most, err := m.OpenFiles(pid); int(used) != r.FDs || most != 77 || err != nil {
		t.Errorf("%d of %d open files, %v", used, most, err)
	}
	image, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	table, err := m.Processes(context.Background(), []string{image})
	if err != nil {
		t.Fatal(err)
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	want := cli.Entry(os.Getpid(), os.Getppid(), image, me.Username, os.Args...)
	if !slices.ContainsFunc(table, func(e cli.TableEntry) bool { return reflect.DeepEqual(e, want) }) {
		t.Errorf("%+v, want %+v", table, want)
	}

	if m.Suspended(pid) {
		t.Error("nobody has stopped it")
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	wait.Until(t, "the stop", func() bool { return m.Suspended(pid) })
}
