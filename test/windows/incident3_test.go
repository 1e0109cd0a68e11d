//go:build windows

package windows_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/test/wait"
)

// byHand starts the service in the foreground, as a person would, in its own process group.
func (s *installed) byHand(t *testing.T, more ...string) *byHand {
	t.Helper()
	h := &byHand{ended: make(chan struct{})}
	h.cmd = exec.Command(s.exe, append([]string{"run", "--instance", s.instance, "--config", s.config}, more...)...)
	h.cmd.SysProcAttr = &windows.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
	h.cmd.Stdout, h.cmd.Stderr = &h.out, &h.out
	must(t, h.cmd.Start())
	go func() { _ = h.cmd.Wait(); close(h.ended) }()
	t.Cleanup(func() {
		_ = h.cmd.Process.Kill()
		<-h.ended
		if t.Failed() {
			t.Logf("by hand: %v\n%s", h.cmd.ProcessState, h.out.Bytes())
		}
	})
	return h
}

type byHand struct {
	cmd   *exec.Cmd
	out   bytes.Buffer // of both streams; to be read once it has ended
	ended chan struct{}
}

// code waits for the end, and returns the exit code.
func (h *byHand) code(t *testing.T) int {
	t.Helper()
	wait.For(t, "it ends", h.ended)
	return h.cmd.ProcessState.ExitCode()
}

// alive returns those that have not ended.
func alive(all []*byHand) (left []*byHand) {
	for _, h := range all {
		select {
		case <-h.ended:
		default:
			left = append(left, h)
		}
	}
	return left
}

// http-capture: started by hand, and again by the manager.
func TestIncident3_ByHandThenByTheSCM(t *testing.T) {
	t.Parallel()
	s := newFeedd(t)
	s.do(t, "install").must(t)
	h := s.byHand(t)
	s.tells(t, "started", 1)
	s.do(t, "start").want(t, 75, s.name, strconv.Itoa(h.cmd.Process.Pid), "by hand")
	s.begin(t) // past our command line, as at boot
	eventually(t, "the SCM has it stopped", func() bool { return s.query(t).CurrentState == windows.SERVICE_STOPPED })
	if st := s.query(t); st.ServiceSpecificExitCode != 75 {
		t.Errorf("the SCM has %+v, want the service's own exit code 75", st)
	}
	restarts(t)
	if n := len(s.lines(t, "start ")); n != 1 {
		t.Errorf("%d programs were started", n)
	}
	if st := s.running(t); st.PID != h.cmd.Process.Pid || st.StartedBy != "hand" {
		t.Errorf("status does not name the holder, process %d: %+v", h.cmd.Process.Pid, st)
	}
	s.do(t, "stop").want(t, 0)
	if code := h.code(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	s.do(t, "start").want(t, 0)
}

// Issue 9: one service is started by hand while the SCM starts another one. Each knows who
// started it. (A process that was started by hand asked the SCM whether it is a service, and
// was taken for the other one.)
func TestIncident3_ByHandWhileTheSCMStartsAnother(t *testing.T) {
	t.Parallel()
	s, other := newFeedd(t), newFeedd(t)
	s.do(t, "install").must(t)
	const rounds = 8
	for round := 1; round <= rounds; round++ {
		s.begin(t)
		h := other.byHand(t, other.alone()...)
		s.do(t, "start").must(t)
		if st := s.running(t); st.StartedBy != "scm" {
			t.Fatalf("round %d: started by the SCM, it says %+v", round, st)
		}
		other.tells(t, "started", round)
		other.do(t, "stop", other.alone()...).want(t, 0)
		if code := h.code(t); code != 0 {
			t.Fatalf("round %d: by hand: exit code %d", round, code)
		}
		s.do(t, "stop").want(t, 0)
	}
	if n := len(s.lines(t, "stopped")); n != rounds {
		t.Errorf("%d ordered stops", n)
	}
}

// restarts waits until the SCM has restarted a service that died just now. By then the restart
// of a service that died earlier, with the same delay, would be known.
func restarts(t *testing.T) {
	t.Helper()
	if onWine() {
		return // which restarts nothing, ever
	}
	s := newFeedd(t)
	s.do(t, "install", "--start").must(t)
	kill(t, process(t, s.running(t).PID))
	s.tells(t, "started", 2)
}

// 50 simultaneous starts: one wins, and all others report it.
func TestIncident3_FiftyStarts(t *testing.T) {
	const starts = 50
	s := newFeedd(t)
	s.do(t, "install").must(t) // makes the directories
	var all []*byHand
	for range starts {
		all = append(all, s.byHand(t))
	}
	for left := starts - 1; left >= 1; left-- {
		eventually(t, fmt.Sprintf("%d are left", left), func() bool { return len(alive(all)) <= left })
	}
	winners := alive(all)
	if len(winners) != 1 {
		t.Fatal("nobody has won")
	}
	for i, h := range all {
		if h == winners[0] {
			continue
		}
		if code := h.code(t); code != 75 {
			t.Errorf("start %d: exit code %d:\n%s", i, code, h.out.Bytes())
		}
	}
	s.tells(t, "started", 1)
	if n := len(s.lines(t, "start ")); n != 1 {
		t.Errorf("%d programs were started", n)
	}
	winner := winners[0].cmd.Process.Pid
	if got := read(t, s.pidFile()); got != strconv.Itoa(winner)+"\n" {
		t.Errorf("the PID file of process %d has %q", winner, got)
	}
	s.do(t, "stop").want(t, 0)
}

// Everything in the runtime directory is removed while the service runs. A second instance is
// refused nevertheless.
func TestIncident3_FilesRemoved(t *testing.T) {
	t.Parallel()
	s := newFeedd(t)
	s.do(t, "install", "--start").must(t)
	pid := s.running(t).PID
	files, err := filepath.Glob(filepath.Join(filepath.Dir(s.pidFile()), "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files of the run: %v", err)
	}
	for _, file := range files {
		// A file that cannot be removed, because it is open, is just as good.
		if err := os.Remove(file); err != nil {
			t.Logf("kept: %v", err)
		}
	}
	s.do(t, "run").want(t, 75)
	eventually(t, "the PID file is there again", func() bool { return read(t, s.pidFile()) == strconv.Itoa(pid)+"\n" })
	eventually(t, "status tells all again", func() bool { st := s.status(t); return st.Ready && st.PID == pid })
	if n := len(s.lines(t, "start ")); n != 1 {
		t.Errorf("%d programs were started", n)
	}
}
