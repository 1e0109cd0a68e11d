package wrap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// attributes has the process be the first of a group of its own, and die with us.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// markVariable is in the environment of all processes of a service; its value names the service.
const markVariable = "HOLDFAST_WRAP"

// reaper makes us the parent of all orphans below us, and waits for them.
type reaper struct {
	service string // what markVariable says
	self    proc.Identity
	leave   func() // nil: we are not
}

// adopt begins to be the parent of orphans. service is what distinguishes ours from all others, and self is this process.
func (s *spawner) adopt(service string, self proc.Identity) error {
	s.service, s.self = service, self
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become the reaper of orphans: %w", os.NewSyscallError("prctl", err))
	}
	died, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(died, syscall.SIGCHLD)
	s.leave = func() {
		signal.Stop(died)
		close(done)
		_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
	}
	go func() {
		for {
			select {
			case <-died:
				s.reap()
			case <-done:
				return
			}
		}
	}()
	return nil
}

func (s *spawner) release() {
	if s.leave != nil {
		s.leave()
		s.leave = nil
	}
}

// reap waits for those of our children that have ended and that package os/exec does not know.
func (s *spawner) reap() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, pid := range s.orphans() {
		if s.own[pid] {
			continue
		}
		if n, err := syscall.Wait4(pid, nil, syscall.WNOHANG, nil); err == nil && n == pid {
			s.waited++
		}
	}
}

// orphans are the children of our first thread: the kernel gives it those that it has us adopt, and to
// each thread what it has started. So those of other threads that are not own are of somebody else in
// this process, who waits for them: an alarm's command.
func (s *spawner) orphans() (pids []int) {
	pids, err := childrenOf(s.self.PID)
	if err == nil {
		return pids
	}
	for _, r := range processes() { // a kernel without that file: nobody else starts any, then
		if r.Parent == s.self.PID {
			pids = append(pids, r.pid)
		}
	}
	return pids
}

// strangers are the children that somebody else in this process has started.
func (s *spawner) strangers() map[int]bool {
	found := map[int]bool{}
	threads, _ := os.ReadDir("/proc/self/task") // there is none without it
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil || id == s.self.PID {
			continue
		}
		pids, _ := childrenOf(id) // the thread may be gone
		for _, pid := range pids {
			found[pid] = !s.own[pid]
		}
	}
	return found
}

// childrenOf are the children of one of our threads.
func childrenOf(thread int) (pids []int, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/children", thread))
	for word := range strings.FieldsSeq(string(b)) {
		if pid, e := strconv.Atoi(word); e == nil {
			pids = append(pids, pid)
		}
	}
	return pids, err
}

// relative is a process as /proc/PID/stat has it.
type relative struct {
	proc.Stat
	pid int
	own bool // package os/exec waits for it
}

// processes are all that there are.
func processes() (all []relative) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	buffer := make([]byte, 4096) // a line is shorter
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		line, err := readOnce("/proc/"+e.Name()+"/stat", buffer)
		if err != nil {
			continue // it is gone
		}
		if stat, err := proc.ParseStat(line); err == nil {
			all = append(all, relative{pid: pid, Stat: stat})
		}
	}
	return all
}

// readOnce reads a file of /proc into b by three system calls. [os.ReadFile] takes nine, and there may be thousands of files.
func readOnce(path string, b []byte) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	n, err := unix.Read(fd, b)
	_ = unix.Close(fd)
	return b[:max(n, 0)], err
}

// below are all processes that descend from us, without what others in this process have started. There are none before adopt.
func (s *spawner) below() []relative { return s.descendants(s.self.PID) }

func (s *spawner) descendants(of int) (all []relative) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.self.PID == 0 {
		return nil
	}
	rest := processes()
	strangers := s.strangers() // later: whoever is in rest has been started
	found := map[int]bool{of: true}
	for grown := true; grown; {
		grown = false
		rest = slices.DeleteFunc(rest, func(r relative) bool {
			if !found[r.Parent] || r.pid == s.self.PID || strangers[r.pid] {
				return false
			}
			found[r.pid], grown = true, true
			r.own = s.own[r.pid]
			all = append(all, r)
			return true
		})
	}
	return all
}

// others are the processes below us that are alive and that we have not started ourselves.
func (s *spawner) others() (pids []int) {
	for _, r := range s.below() {
		if !r.Ended() && !r.own {
			pids = append(pids, r.pid)
		}
	}
	return pids
}

// identity is r as one that can be signalled without taking another for it.
func (s *spawner) identity(r relative) proc.Identity {
	return proc.Identity{PID: r.pid, Start: r.Start, Boot: s.self.Boot, Space: s.self.Space}
}

// exited reports whether the process has ended. On a busy machine, ended is closed some time after
// that. Meanwhile a daemon that the process has left behind may meet a condition of readiness.
func (p *process) exited() bool {
	if p.hasEnded() {
		return true
	}
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, p.pid(), &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	return errors.Is(err, unix.ECHILD) || err == nil && info.Signo != 0
}

// end kills all that is below us, and returns when nobody is left or ctx ends. p is the command; nil: there is none.
func (s *spawner) end(ctx context.Context, p *process) error {
	known := map[int]bool{}
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		s.reap()
		before := s.waits()
		all := s.below()
		// Who forks and ends again and again is in no list of processes that is made meanwhile. But whoever has ended below us
		// was waited for by us, or is in the list.
		if len(all) == 0 && s.settled(before) && (p == nil || p.hasEnded()) {
			return nil
		}
		for _, r := range all {
			if r.Ended() {
				continue
			}
			_ = s.identity(r).Signal(os.Kill) // it may be gone
			if !known[r.pid] {
				known[r.pid], pause = true, time.Millisecond // they are making more
			}
		}
		for range strikes {
			s.strike()
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("%s: %w: they do not end", listed(all), context.Cause(ctx))
		}
	}
}

// strikes is how often end kills orphans between two looks at all processes.
const strikes = 50

// strike kills the orphans of this moment. Who forks and ends again and again is another process by the time that all processes
// have been looked at; this takes some microseconds. It needs no proof of identity: nobody else waits for an orphan, so its PID
// is still its own.
func (s *spawner) strike() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, pid := range s.orphans() {
		if !s.own[pid] {
			_ = unix.Kill(pid, unix.SIGKILL) // it may have ended
		}
	}
}

// waits returns how many of our processes were waited for.
func (s *spawner) waits() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waited
}

// settled reports whether none of our processes has been waited for since waits returned before, and none can be now.
func (s *spawner) settled(before int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waited == before && len(s.own) == 0
}

// mostLooks limits how often fell looks for what a command has started meanwhile.
const mostLooks = 100

// fell kills p and all that descends from it. They are stopped before: whose parent is killed cannot be told from other orphans.
func (s *spawner) fell(p *process) {
	tree := map[int]relative{}
	for range mostLooks {
		found := len(tree)
		for _, r := range s.descendants(p.pid()) {
			if _, is := tree[r.pid]; !is {
				tree[r.pid] = r
				_ = s.identity(r).Signal(syscall.SIGSTOP)
			}
		}
		if len(tree) == found {
			break
		}
	}
	for _, r := range tree {
		_ = s.identity(r).Signal(os.Kill)
	}
	p.group.kill()
}

func listed(all []relative) string {
	words := make([]string, len(all))
	for i, r := range all {
		words[i] = fmt.Sprintf("%d (%s)", r.pid, r.Name)
	}
	return "processes " + strings.Join(words, ", ")
}

// mark is the variable that the processes of the service have.
func (s *spawner) mark() (string, bool) { return markVariable + "=" + s.service, true }

// sweep ends what a run that was killed has left behind, and returns how many that were. It is
// for before anything is started: whoever has the mark is of another run then, and there is none
// but ours now.
func (s *spawner) sweep() (n int, err error) {
	mark, _ := s.mark()
	ended := map[int]bool{}
	for again := true; again; { // they may be making more
		again = false
		for _, r := range processes() {
			if r.pid == s.self.PID || r.Ended() || ended[r.pid] {
				continue
			}
			id := s.identity(r)
			env, e := os.ReadFile(fmt.Sprintf("/proc/%d/environ", r.pid))
			if e != nil || !bytes.Contains(append([]byte{0}, env...), []byte("\x00"+mark+"\x00")) {
				continue
			}
			if e := id.Signal(os.Kill); e != nil && !errors.Is(e, proc.ErrGone) {
				err = errors.Join(err, fmt.Errorf("end process %d (%s), which the last run has left behind: %w", r.pid, r.Name, e))
				continue
			}
			ended[r.pid], again = true, true
			n++
		}
	}
	return n, err
}
