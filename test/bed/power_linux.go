package bed

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/test/wait"
)

var (
	//go:embed launch/disk.sh
	diskScript string
	//go:embed launch/systemd.sh
	systemdScript string
	//go:embed launch/sysvinit.sh
	sysvinitScript string
)

// readyMark is written to the console by the last line of the inittab that scripts/beds.sh
// makes.
const readyMark = "holdfast-bed-ready"

// killLimit limits the wait for a killed machine, whose processes the kernel has to reap.
const killLimit = wait.Limit

// A life is one boot of a machine, from the first process to the last.
type life struct {
	cmd    *exec.Cmd // PID 1 of the bed's outermost PID namespace
	leader int       // process id of the init on the host; set before the life is published
	exec   *os.File  // control group for commands from outside

	done chan struct{} // closed when all processes are gone
	err  error         // how cmd ended; valid after done is closed
}

// on boots the machine, and returns when it is ready.
func (m *machine) on(ctx context.Context) error {
	if m.current() != nil {
		return errors.New("it is already running")
	}
	m.mu.Lock()
	closed, before := m.closed, m.life
	m.life = nil
	m.mu.Unlock()
	if before != nil {
		_ = before.exec.Close()
	}
	if closed {
		return fmt.Errorf("%w: closed", ErrOff)
	}
	// Remove the groups of the previous boot, because an init expects empty ones.
	if err := removeCgroup(m.cgroup); err != nil {
		return err
	}
	life, err := m.start(ctx)
	if err != nil {
		return fmt.Errorf("%w; last lines of its console:\n%s", err, lastLines(m.console.String(), 15))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.life = life
	return nil
}

func (m *machine) start(ctx context.Context) (_ *life, err error) {
	cmd := &exec.Cmd{
		Path: "/bin/sh",
		Dir:  m.cache,
		Env:  []string{"PATH=" + searchPath, "LANG=C.UTF-8"},
		SysProcAttr: &syscall.SysProcAttr{
			Pdeathsig:  syscall.SIGKILL,
			Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS,
			Setpgid:    true, // a Ctrl-C at the tests' terminal must not reach the bed
		},
		Stdout:    m.console,
		Stderr:    m.console,
		WaitDelay: time.Second,
	}
	var ready <-chan struct{}
	var release func() error
	script := systemdScript
	if m.kind.Manager == "systemd" {
		var address string
		address, ready, release, err = listenReady()
		cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+address)
	} else {
		script = sysvinitScript
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWNET
		ready, release, err = m.listenConsole()
	}
	if err != nil {
		return nil, err
	}
	group, err := makeCgroups(m.cgroup)
	if err != nil {
		return nil, errors.Join(err, release())
	}
	defer group.Close()
	cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(group.Fd())
	cmd.Args = []string{
		"sh", "-c", diskScript + script, "bed",
		m.kind.Name + "/root", "run/" + m.name, m.name, m.cgroup,
	}
	cmd.Args = append(cmd.Args, m.kind.Shown...)
	l := &life{cmd: cmd, done: make(chan struct{})}
	if err := l.launch(release); err != nil {
		return nil, err
	}
	if err := l.await(ctx, ready); err != nil {
		return nil, errors.Join(err, l.kill())
	}
	if err := l.settle(m); err != nil {
		return nil, errors.Join(err, l.kill())
	}
	return l, nil
}

// launch starts the first process and the goroutine that waits for its end. That goroutine
// keeps its thread, because the kernel sends the parent death signal when the creating thread
// ends, not the program (golang.org/issue/27505).
func (l *life) launch(release func() error) error {
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := l.cmd.Start()
		started <- err
		if err == nil {
			// PID 1 of a namespace ends only after all its processes.
			l.err = l.cmd.Wait()
		}
		_ = release()
		close(l.done)
	}()
	return <-started
}

func (l *life) await(ctx context.Context, ready <-chan struct{}) error {
	select {
	case <-ready:
		return nil
	case <-l.done:
		return fmt.Errorf("it went off while booting: %w", l.err)
	case <-ctx.Done():
		return fmt.Errorf("not up in time: %w", ctx.Err())
	}
}

// settle finds the init of a booted machine, and makes the control group for commands.
func (l *life) settle(m *machine) error {
	leader, err := findInit(l.cmd.Process.Pid)
	if err != nil {
		return err
	}
	if m.kind.Manager == "systemd" && leader == l.cmd.Process.Pid {
		return errors.New("it went off right after booting")
	}
	group := filepath.Join(m.cgroup, "machine")
	if m.kind.Manager == "systemd" {
		uncoverKmsg(leader)
		group = filepath.Join(group, "payload") // made by nspawn; the root of the bed's view
	}
	group = filepath.Join(group, "bed.exec")
	if err := os.MkdirAll(group, 0o755); err != nil {
		return err
	}
	if l.exec, err = os.Open(group); err != nil {
		return err
	}
	l.leader = leader
	return nil
}

func (l *life) ended() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

func (l *life) kill() error {
	if err := l.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-l.done:
		return nil
	case <-time.After(killLimit):
		return fmt.Errorf("its process %d is still there %v after SIGKILL", l.cmd.Process.Pid, killLimit)
	}
}

// listenConsole makes the FIFO that is the bed's /dev/console, and copies its content. The
// FIFO is open for reading and writing, so that it never ends and nobody in the bed waits for
// a reader.
func (m *machine) listenConsole() (<-chan struct{}, func() error, error) {
	name := filepath.Join(m.dir, "console")
	if err := unix.Mkfifo(name, 0o600); err != nil && !errors.Is(err, unix.EEXIST) {
		return nil, nil, fmt.Errorf("make console %s: %w", name, err)
	}
	fifo, err := os.OpenFile(name, os.O_RDWR|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	ready := m.console.watch(readyMark)
	go func() { _, _ = io.Copy(m.console, fifo) }()
	return ready, fifo.Close, nil
}
