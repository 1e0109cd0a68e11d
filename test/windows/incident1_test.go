//go:build windows

package windows_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strconv"
	"testing"
)

// foreign starts a process of the same image that has nothing to do with the service.
func (s *installed) foreign(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(s.exe, "foreign")
	stdin, err := cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "up\n" {
		t.Fatalf("foreign process: %q, %v", line, err)
	}
	go func() { _, _ = io.Copy(io.Discard, stdout) }()
	return cmd
}

// Cronicle: after a power cut the PID file is still there, and its number belongs to another
// process, even of the same image.
//
//	service      killed              start: must run
//	PID file     PID ........ now names a foreign process, which nobody touches
func TestIncident1_PIDOfAForeignProcess(t *testing.T) {
	t.Parallel()
	s := newFeedd(t, "[service.restart]", "policy = 'never'")
	s.do(t, "install", "--start").must(t)
	first := process(t, s.running(t).PID)
	if _, err := os.Stat(s.pidFile()); err != nil {
		t.Fatal(err)
	}
	kill(t, first)
	eventually(t, "the SCM knows of the death", func() bool { return s.query(t).ProcessId == 0 })

	other := s.foreign(t)
	number := strconv.Itoa(other.Process.Pid) + "\n"
	must(t, os.WriteFile(s.pidFile(), []byte(number), 0o644))
	if st := s.status(t); st.code == 0 || st.PID == other.Process.Pid {
		t.Errorf("status takes the foreign process for the service: %+v", st)
	}
	s.do(t, "stop").want(t, 0) // not running: nothing to do
	if !living(other.Process.Pid) {
		t.Fatal("stop ended a foreign process")
	}
	s.do(t, "start").want(t, 0)
	st := s.running(t)
	if got := read(t, s.pidFile()); got != strconv.Itoa(st.PID)+"\n" {
		t.Errorf("the PID file of process %d has %q", st.PID, got)
	}
	if !living(other.Process.Pid) {
		t.Error("start ended a foreign process")
	}
}

// Whatever the PID file of a stopped service contains, nobody is killed because of it, and the
// service starts.
func TestIncident1_DamagedPIDFile(t *testing.T) {
	t.Parallel()
	s := newFeedd(t)
	s.do(t, "install", "--start").must(t)
	s.do(t, "stop").must(t)
	for _, content := range []string{"", "0\n", "1\n", "4\n", "-1\n", "99999999999999999999\n", "\x00\xff\x00", "feedd\n"} {
		must(t, os.WriteFile(s.pidFile(), []byte(content), 0o644))
		if st := s.status(t); st.code == 0 {
			t.Errorf("PID file %q: status %+v", content, st)
		}
		s.do(t, "stop").want(t, 0)
	}
	s.do(t, "start").want(t, 0)
	s.running(t)
}
