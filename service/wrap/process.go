package wrap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"
)

// A spawner starts all our processes. Where we are the reaper of orphans, this distinguishes our own
// processes from orphans.
type spawner struct {
	mu  sync.Mutex   // held while a process is started
	own map[int]bool // the processes that package os/exec waits for

	waited int // number of processes that were waited for
	reaper
	keyboard
}

// A process is one that we have started.
type process struct {
	cmd    *exec.Cmd
	group  group
	ended  chan struct{} // closed when it has ended; other processes of its group may continue
	result outcome       // valid once ended is closed
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// start starts cmd in a group of its own, which dies with us as far as the system supports that.
// The caller must not wait for cmd.
func (s *spawner) start(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, ended: make(chan struct{})}
	begun := make(chan error)
	go func() {
		// To the kernel, the end of this thread is the end of the parent
		// (golang.org/issue/27505), so the thread lives as long as the process.
		runtime.LockOSThread()
		s.mu.Lock()
		group, err := startGroup(cmd)
		if err == nil {
			s.own[cmd.Process.Pid] = true
		}
		s.mu.Unlock()
		p.group = group
		begun <- err
		if err != nil {
			return
		}
		_ = cmd.Wait() // the state of cmd has the result
		s.mu.Lock()
		delete(s.own, p.pid())
		s.waited++
		s.mu.Unlock()
		p.result = outcomeOf(cmd.ProcessState)
		close(p.ended)
	}()
	if err := <-begun; err != nil {
		return nil, fmt.Errorf("execute %q: %w", cmd.Args, err)
	}
	return p, nil
}

// A commandError means that a command did not end with 0.
type commandError struct {
	argv []string
	how  outcome
	said string
}

func (e *commandError) Error() string {
	text := fmt.Sprintf("%q: %v", e.argv, e.how)
	if e.said != "" {
		text += ": " + e.said
	}
	return text
}

const (
	// mostSaid is how much of the last output of a command its error has.
	mostSaid = 1 << 10
	// outputAfter limits the wait for the output of processes that a command has left behind.
	outputAfter = time.Second
)

// run runs a command such as a hook or a check, and returns when it has ended. If ctx ends before,
// the command is killed with all that it has started. The error has the last output of the command.
func (s *spawner) run(ctx context.Context, argv, env []string, dir string) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	said := &tail{}
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:noctx // ctx has to end its whole group
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = env, dir, said, said, outputAfter
	p, err := s.start(cmd)
	if err != nil {
		return err
	}
	select {
	case <-p.ended:
	case <-ctx.Done():
		s.fell(p)
		p.awaitExit(outputAfter)
		go func() { <-p.ended; p.group.close() }() // a process that has left the group may still hold its output
		return fmt.Errorf("%q: %w: killed%s", argv, context.Cause(ctx), said.suffix())
	}
	p.group.close()
	if p.result.code != 0 {
		return &commandError{argv, p.result, said.text()}
	}
	return nil
}

// awaitExit returns when the process has ended, even if others still hold its output. It may hang in the
// kernel, so awaitExit returns after limit in any case.
func (p *process) awaitExit(limit time.Duration) {
	for begun := time.Now(); !p.exited() && time.Since(begun) < limit; time.Sleep(time.Millisecond) {
	}
}

// A tail keeps the end of what is written to it.
type tail struct {
	mu sync.Mutex
	b  []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, b[max(0, len(b)-mostSaid):]...)
	t.b = t.b[max(0, len(t.b)-mostSaid):]
	return len(b), nil
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(strings.ToValidUTF8(string(t.b), "\uFFFD"))
}

func (t *tail) suffix() string {
	if text := t.text(); text != "" {
		return ": " + text
	}
	return ""
}

// lookup returns the path of a command, as it is found from the working directory dir.
func lookup(name, dir string) (string, error) {
	if strings.ContainsRune(name, os.PathSeparator) || strings.Contains(name, "/") {
		if dir != "" && !isAbs(name) {
			name = dir + string(os.PathSeparator) + name
		}
	}
	path, err := exec.LookPath(name)
	if errors.Is(err, exec.ErrDot) {
		err = nil
	}
	return path, err
}
