package test_test

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// Any user can make the kernel's list of locks long, and it is slow to read. With 150000
// locks, every first start took more than ten seconds, and so did every start with a
// squatted PID file. So no start reads the list to its end.
func TestIssue9_AHoardOfLocksIsNotRead(t *testing.T) {
	p := publicPlace(t, 0)
	dir, err := os.MkdirTemp("", "holdfast-test-") //nolint:usetesting // another user's
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chown(dir, otherUser, otherUser))

	hoarder := p.as(otherUser).squats(t, "hoard", dir)
	list, err := os.ReadFile("/proc/locks")
	must(t, err)
	if n := bytes.Count(list, []byte("\n")); n < 50_000 {
		t.Fatalf("it has %d locks", n)
	}
	// Everything else that a start reads grows with the number of processes on the machine.
	reads := func(a *process) int {
		t.Helper()
		io := content(t, fmt.Sprintf("/proc/%d/io", a.pid))
		_, after, _ := strings.Cut(io, "rchar: ")
		n, err := strconv.Atoi(strings.Fields(after)[0])
		must(t, err)
		return n
	}
	a := p.ready(t, plan{}) // the first one ever
	if n := reads(a); n > len(list) {
		t.Errorf("the first start has read %d bytes, the list has %d", n, len(list))
	}
	a.kill(t)
	squatter := p.as(otherUser).squats(t, "exclusive", p.pidFile())
	must(t, os.Remove(p.mutexFile())) // whose signature would save the search
	p.do(t, "status").want(t, 1, "dead")
	a = p.ready(t, plan{})
	if alarm := a.out.await(t, "tamper "); !strings.Contains(alarm, "replaced") {
		t.Errorf("the alarm is %q", alarm)
	}
	if n := reads(a); n > len(list) {
		t.Errorf("a start over a squatted PID file has read %d bytes, the list has %d", n, len(list))
	}
	p.holds(t, a)
	a.stop(t)
	squatter.leave(t)
	hoarder.leave(t)
}
