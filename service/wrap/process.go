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

// spawner starts all the processes of ours, so that where we are the reaper of orphans
// those can be told from what is ours.
type spawner struct {
	mu  sync.Mutex   // held while a process is made
	own map[int]bool // those that package os/exec waits for

	waited int // how many processes were waited for
	reaper
}

// process is one that we have started.
type process struct {
	cmd    *exec.Cmd
	group  group
	ended  chan struct{} // closed when it has ended; others of its group may go on
	result outcome       // after ended
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

// start starts cmd in a group of its own, which dies with us as far as the system can do that.
// Nobody may wait for cmd but us.
func (s *spawner) start(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, ended: make(chan struct{})}
	begun := make(chan error)
	go func() {
		// The kernel takes the end of the thread for that of the parent
		// (golang.org/issue/27505): this one stays for as long as the process.
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
		_ = cmd.Wait() // its state says it
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

// commandError is a command that ended with something else than 0.
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
	// So much of what a command says last is kept for its error.
	mostSaid = 1 << 10
	// So long the output of processes is waited for that a command has left behind.
	outputAfter = time.Second
)

// run runs a command of ours to its end: a hook, a check. When ctx ends it is killed, with what it
// has started. The error has what it said last.
func (s *spawner) run(ctx context.Context, argv, env []string, dir string) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	said := &tail{}
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:noctx // its group ends with it
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
		go func() { <-p.ended; p.group.close() }() // who has left it may have its output
		return fmt.Errorf("%q: %w: killed%s", argv, context.Cause(ctx), said.suffix())
	}
	p.group.close()
	if p.result.code != 0 {
		return &commandError{argv, p.result, said.text()}
	}
	return nil
}

// awaitExit returns when the process has ended, though others may have its output; or after limit, for it may hang in the kernel.
func (p *process) awaitExit(limit time.Duration) {
	for begun := time.Now(); !p.exited() && time.Since(begun) < limit; time.Sleep(time.Millisecond) {
	}
}

// tail is the end of what is written to it.
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

// lookup is the path of a command as the service will find it.
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
