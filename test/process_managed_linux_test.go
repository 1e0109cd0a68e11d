package test_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// What a manager is told, and what children do not get.

// "Given a failed reload, then the old configuration stays in force, the manager
// is told that we are ready again, and the person who asked gets the error."
func TestIncident5_ManagerIsToldOfReloads(t *testing.T) {
	p := newPlace(t)
	m := newManager(t).listen()
	a := m.managed(p).ready(t, plan{Reload: "wait"})
	m.await(t, "READY=1")
	for _, act := range []string{"fail no such host", ""} {
		asked, err := proc.Monotonic()
		must(t, err)
		a.signal(t, syscall.SIGHUP)
		a.order(t, "reload "+act)
		msg := m.await(t, "RELOADING=1")
		// Without the time stamp, or with one from before the request, the job of a
		// Type=notify-reload unit hangs.
		stamp := regexp.MustCompile(`(?m)^MONOTONIC_USEC=(\d+)$`).FindStringSubmatch(msg)
		if stamp == nil {
			t.Fatalf("no stamp in %q", msg)
		}
		usec, err := strconv.ParseInt(stamp[1], 10, 64)
		if err != nil || time.Duration(usec)*time.Microsecond < asked.Truncate(time.Microsecond) {
			t.Errorf("stamp %s, asked at %v: %v", stamp[1], asked, err)
		}
		m.await(t, "READY=1")
	}
	a.stop(t)
	m.await(t, "STOPPING=1")
	if rest := m.rest(); len(rest) != 0 {
		t.Errorf("told after the stop was announced: %q", rest)
	}
}

// "Given a child process, then it has no NOTIFY_SOCKET, WATCHDOG_* or LISTEN_* in its
// environment." It also has none of the descriptors that the manager passed, and not our
// lock.
func TestIncident5_ChildHasNothingOfTheManager(t *testing.T) {
	p := newPlace(t)
	handed := filepath.Join(t.TempDir(), "handed-over")
	must(t, os.WriteFile(handed, nil, 0o600))
	p.env = []string{"WATCHDOG_USEC=20000000", "OWN_VARIABLE=stays", "HANDED=" + handed}
	p.through = []string{"/bin/sh", "-c", `exec 3<"$HANDED"
		WATCHDOG_PID=$$ LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=x LISTEN_PIDFDID=1 exec "$0" "$@"`}
	m := newManager(t).listen()
	a := m.managed(p).start(t, plan{Child: true})
	m.await(t, "READY=1")
	m.await(t, "WATCHDOG=1") // so the service itself understood all that
	a.out.await(t, "up")
	for line := range strings.Lines(a.out.text()) {
		for _, word := range []string{"NOTIFY_SOCKET", "WATCHDOG", "LISTEN"} {
			if strings.HasPrefix(line, "env "+word) {
				t.Errorf("the child has %s", line)
			}
		}
	}
	if !strings.Contains(a.out.text(), "env OWN_VARIABLE=stays") {
		t.Errorf("the child did not tell its environment:\n%s", a.out.text())
	}
	child := childOf(t, a.pid)
	for _, pid := range []int{a.pid, child} {
		open := openFiles(t, pid)
		for _, file := range []string{handed, p.pidFile(), p.lockFile()} {
			if strings.Contains(open, file) != (pid == a.pid) {
				t.Errorf("process %d (the service is %d) and %s:\n%s", pid, a.pid, file, open)
			}
		}
	}
	a.signal(t, syscall.SIGTERM)
	<-a.ended
	must(t, a.stdin.Close())
	a.out.await(t, "end")
	p.clean(t)
}

func childOf(t *testing.T, pid int) int {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	must(t, err)
	for _, path := range tasks {
		if field := strings.Fields(content(t, path)); len(field) > 0 {
			child, err := strconv.Atoi(field[0])
			must(t, err)
			return child
		}
	}
	t.Fatalf("process %d has no child", pid)
	return 0
}

func openFiles(t *testing.T, pid int) string {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	must(t, err)
	var links []string
	for _, e := range entries {
		if link, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil {
			links = append(links, link)
		}
	}
	return strings.Join(links, "\n")
}

// NOTIFY_SOCKET is full, gone, unread or nonsense. The service runs and stops as usual, and
// logs the problem.
func TestBadInput_NotifySocket(t *testing.T) {
	reading, silent, full := newManager(t).listen(), newManager(t), newManager(t)
	full.fillUp(t)
	gone := newManager(t)
	must(t, gone.socket.Close())
	must(t, os.RemoveAll(gone.path))
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	for name, c := range map[string]struct{ socket, says string }{
		"somebody reads": {reading.path, ""},
		"nobody reads":   {silent.path, ""}, // there is room for a while
		"full":           {full.path, "nobody reads"},
		"gone":           {gone.path, "no such file"},
		"nobody's":       {"@holdfast-test-of-nobody", "connection refused"},
		"a plain file":   {file, "connection refused"},
		"nonsense":       {"nonsense", "are invalid"},
		"too long":       {"/" + strings.Repeat("x", 200), "invalid argument"},
		"empty":          {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.env = []string{"NOTIFY_SOCKET=" + c.socket}
			a := p.ready(t, plan{})
			p.do(t, "reload").want(t, 0)
			a.stop(t)
			warned := strings.Contains(a.log.text(), "[WARN]")
			if warned != (c.says != "") || !strings.Contains(a.log.text(), c.says) {
				t.Errorf("the log does not say %q, or warns of nothing:\n%s", c.says, a.log.text())
			}
			if a.out.text() == "" || words(a.out.text()) != "start started reload reloaded stop" {
				t.Errorf("its life:\n%s", a.out.text())
			}
			p.clean(t)
		})
	}
}

// fillUp sends messages until there is no space for another one.
func (m *manager) fillUp(t *testing.T) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	must(t, err)
	t.Cleanup(func() { _ = syscall.Close(fd) })
	for range 100_000 {
		err = syscall.Sendto(fd, []byte("STATUS=full\n"), 0, &syscall.SockaddrUnix{Name: m.path})
		if err == syscall.EAGAIN {
			return
		}
		must(t, err)
	}
	t.Fatal("the socket's queue has no end")
}
