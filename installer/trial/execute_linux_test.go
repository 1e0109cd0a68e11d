package trial_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/installer/trial"
)

// A signal that is pending while one version gives way to the other does not kill it. It may
// be a reload request, or the kernel's report about a watched directory.
func TestASignalOnItsWayDoesNotKillWhoTakesOver(t *testing.T) {
	const role = "HOLDFAST_TEST_GIVES_WAY"
	if os.Getenv(role) != "" {
		os.Args = []string{"sh", "-c", "sed -n 's/^SigIgn:[[:space:]]*//p' /proc/self/status"}
		t.Fatal(trial.Exec("/bin/sh", nil))
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), role+"=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ignored, err := strconv.ParseUint(strings.TrimSpace(string(out)), 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []unix.Signal{unix.SIGHUP, unix.SIGIO} {
		if ignored&(1<<(s-1)) == 0 {
			t.Errorf("%s is not ignored: %x", unix.SignalName(s), ignored)
		}
	}
}

// A candidate has copies of the sockets that the manager passed to it, for the previous
// version. It closes them once it is confirmed. Otherwise a socket that the service has
// closed, because its address has changed, would stay open, and its clients would wait for
// ever.
func TestAConfirmedCandidateLetsGoOfCopies(t *testing.T) {
	const role = "HOLDFAST_TEST_IS_CONFIRMED"
	if stable := os.Getenv(role); stable != "" {
		t.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()))
		t.Setenv(trial.Variable, `{"id":"1","stable":"`+stable+`"}`)
		b := trial.Begin(trial.Options{})
		if b.Trial == nil {
			t.Fatal("it is no candidate")
		}
		if n := copies(t, 3); n != 2 {
			t.Errorf("%d descriptors, want the manager's and the copy", n)
		}
		if err := os.Symlink(os.Args[0], stable); err != nil {
			t.Fatal(err)
		}
		if err := b.Trial.Watch(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-b.Trial.Confirmed()
		if n := copies(t, 3); n != 1 {
			t.Errorf("%d descriptors after the confirmation", n)
		}
		if err := b.Trial.GiveWay(); err == nil {
			t.Error("it gives way")
		}
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), role+"="+t.TempDir()+"/stable", "LISTEN_FDS=1")
	cmd.ExtraFiles = []*os.File{f}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}

// copies returns the number of descriptors of this process for the same file as fd.
func copies(t *testing.T, fd int) (n int) {
	t.Helper()
	want, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		t.Fatal(err)
	}
	all, _ := filepath.Glob("/proc/self/fd/*")
	for _, link := range all {
		if is, err := os.Readlink(link); err == nil && is == want {
			n++
		}
	}
	return n
}
