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

// canStore reports whether package kept can keep descriptors on this system.
const canStore = true

// attributes makes a process the leader of a group of its own that dies with us.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// markVariable is an environment variable of all processes of a service. Its value names the service.
const markVariable = "HOLDFAST_WRAP"

// A reaper makes this process the parent of all orphans below it, and waits for them.
type reaper struct {
	service string // value of markVariable
	self    proc.Identity
	leave   func() // ends it; nil: it has not begun
}

// adopt begins to adopt orphans. service distinguishes our processes from all others, and self is this
// process.
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

// reap waits for those of our children that have ended and that package os/exec does not wait for.
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

// orphans returns the children of our first thread. The kernel gives to each thread the processes that
// it has started, and to the first one the orphans too. So if a child of another thread is not own,
// other code in this process has started it and waits for it, such as an alarm's command.
func (s *spawner) orphans() (pids []int) {
	pids, err := proc.Children(s.self.PID, s.self.PID)
	if err == nil {
		return pids
	}
	for _, r := range processes() { // the kernel has no such list: assume that no other code starts processes
		if r.Parent == s.self.PID {
			pids = append(pids, r.pid)
		}
	}
	return pids
}

// strangers returns the children that other code in this process has started.
func (s *spawner) strangers() map[int]bool {
	found := map[int]bool{}
	threads, _ := proc.Threads(s.self.PID) // without a list there are none
	for _, thread := range threads {
		if thread == s.self.PID {
			continue
		}
		pids, _ := proc.Children(s.self.PID, thread) // the thread may have ended
		for _, pid := range pids {
			found[pid] = !s.own[pid]
		}
	}
	return found
}

// A relative is a process as /proc/PID/stat describes it.
type relative struct {
	proc.Stat
	pid int
	own bool // package os/exec waits for it
}

// processes returns all processes of the machine.
func processes() (all []relative) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if stat, err := proc.StatOf(pid); err == nil { // otherwise it is gone
			all = append(all, relative{pid: pid, Stat: stat})
		}
	}
	return all
}

// below returns all processes that descend from us, except those that other code in this process has
// started. Before adopt there are none.
func (s *spawner) below() []relative { return s.descendants(s.self.PID) }

func (s *spawner) descendants(of int) (all []relative) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.self.PID == 0 {
		return nil
	}
	rest := processes()
	strangers := s.strangers() // read after rest, so that it includes all of rest
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

// others returns the processes below us that are alive and that we have not started ourselves.
func (s *spawner) others() (pids []int) {
	for _, r := range s.below() {
		if !r.Ended() && !r.own {
			pids = append(pids, r.pid)
		}
	}
	return pids
}

// identity returns the identity of r, by which it can be signalled even if its PID is reused.
func (s *spawner) identity(r relative) proc.Identity {
	return proc.Identity{PID: r.pid, Start: r.Start, Boot: s.self.Boot, Space: s.self.Space}
}

// exited reports whether the process has ended. On a busy machine, ended is closed some time later, and
// a daemon that the process has left behind may fulfil a condition of readiness meanwhile.
func (p *process) exited() bool {
	if p.hasEnded() {
		return true
	}
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, p.pid(), &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	return errors.Is(err, unix.ECHILD) || err == nil && info.Signo != 0
}

// end kills all processes below us. It returns when none is left or ctx ends. p is the command, or nil.
func (s *spawner) end(ctx context.Context, p *process) error {
	known := map[int]bool{}
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		s.reap()
		before := s.waits()
		all := s.below()
		// A process that forks and ends again and again may be missing in every list. But a process below us
		// that has ended is in the list, or we have waited for it.
		if len(all) == 0 && s.settled(before) && (p == nil || p.hasEnded()) {
			return nil
		}
		for _, r := range all {
			if r.Ended() {
				continue
			}
			_ = s.identity(r).Signal(os.Kill) // it may have ended
			if !known[r.pid] {
				known[r.pid], pause = true, time.Millisecond // more may follow
			}
		}
		if len(all) > 0 || s.waits() != before { // otherwise no process could have started others
			for range strikes {
				s.strike()
			}
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("%s did not end: %w", listed(all), context.Cause(ctx))
		}
	}
}

// strikes is how often end kills orphans before it lists all processes again.
const strikes = 50

// strike kills the current orphans. A process that forks and ends again and again is gone before all
// processes are listed, but strike takes only microseconds. It need not verify identities, because only
// we wait for an orphan, so its PID cannot be reused.
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

// settled reports whether we have waited for no process since waits returned before, and none is left
// that we could wait for.
func (s *spawner) settled(before int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waited == before && len(s.own) == 0
}

// mostLooks limits how often fell looks for processes that were started meanwhile.
const mostLooks = 100

// fell kills p and all its descendants. It stops them all first, because once its parent is killed, a
// descendant cannot be distinguished from other orphans.
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

// mark returns the variable that all processes of the service have.
func (s *spawner) mark() (string, bool) { return markVariable + "=" + s.service, true }

// sweep kills the processes that a killed run has left behind, and returns their number. It must be
// called before any process is started: a process with the mark then belongs to an earlier run.
func (s *spawner) sweep() (n int, err error) {
	mark, _ := s.mark()
	ended := map[int]bool{}
	for again := true; again; { // more may follow
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
				err = errors.Join(err, fmt.Errorf("kill process %d (%s), which the last run left behind: %w", r.pid, r.Name, e))
				continue
			}
			ended[r.pid], again = true, true
			n++
		}
	}
	return n, err
}
