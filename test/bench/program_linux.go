package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// patience limits the wait for any answer of a program.
const patience = 2 * time.Minute

// A program is a program that was started, from the point of view of its service manager.
type program struct {
	begun   time.Time // just before it was executed
	process *os.Process
	reaped  bool
	used    *os.ProcessState // when it was reaped
	socket  int              // for its notifications
	tells   int              // reports calls of its Reload; hangs up when the program dies
	log     string
	deaf    *os.File // the end of its log that nobody reads
}

// errEnded means that a program has ended before its answer.
var errEnded = errors.New("it has ended")

// start executes c in the fixed environment. The caller must end the program.
func start(c contestant, dir string) (p *program, err error) { return startAs(c, dir, "") }

// startReady is start, and waits until the program is ready.
func startReady(c contestant, dir string) (*program, error) {
	p, err := start(c, dir)
	if err != nil {
		return nil, err
	}
	if _, err := p.await("READY=1"); err != nil {
		return nil, p.end(err)
	}
	return p, nil
}

// startAs is start of a further instance: its log and socket have another suffix.
func startAs(c contestant, dir, suffix string) (p *program, err error) {
	p = &program{socket: -1, tells: -1, log: filepath.Join(dir, "log"+suffix)}
	defer func() {
		if err != nil {
			err = p.end(err)
		}
	}()
	for _, sub := range []string{"run", "state"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return p, err
		}
	}
	address := filepath.Join(dir, "notify"+suffix)
	if p.socket, err = listen(address); err != nil {
		return p, err
	}
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return p, err
	}
	p.tells = pipe[0]
	told := os.NewFile(uintptr(pipe[1]), "pipe")
	defer func() { _ = told.Close() }()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return p, err
	}
	defer func() { _ = null.Close() }()
	log, err := p.openLog(c.deaf)
	if err != nil {
		return p, err
	}
	defer func() { _ = log.Close() }()

	attr := &os.ProcAttr{
		Dir: dir,
		Env: append([]string{
			"PATH=/usr/bin:/bin", "HOME=" + dir, "LANG=C.UTF-8",
			"NOTIFY_SOCKET=" + address,
			"HOLDFAST_STARTER=bench " + strconv.Itoa(os.Getpid()), // makes the program use the directories
			"RUNTIME_DIRECTORY=" + filepath.Join(dir, "run"), "STATE_DIRECTORY=" + filepath.Join(dir, "state"),
		}, c.env...),
		Files: []*os.File{null, log, log, told}, // tell.FD is the last
	}
	p.begun = time.Now()
	p.process, err = os.StartProcess(c.path, append([]string{c.path}, c.args...), attr)
	return p, err
}

// openLog opens the log for the program. If it is deaf, that is a full pipe.
func (p *program) openLog(deaf bool) (log *os.File, err error) {
	if !deaf {
		return os.Create(p.log)
	}
	if p.deaf, log, err = os.Pipe(); err != nil {
		return nil, err
	}
	fd := int(log.Fd()) // blocks from here on, as the program expects
	size, err := unix.FcntlInt(uintptr(fd), unix.F_GETPIPE_SZ, 0)
	if err == nil {
		_, err = unix.Write(fd, make([]byte, size))
	}
	if err != nil {
		_ = log.Close()
		return nil, err
	}
	return log, nil
}

func (p *program) pid() int { return p.process.Pid }

func (p *program) signal(s syscall.Signal) error { return p.process.Signal(s) }

// await waits for a message with that line, and returns when it came.
func (p *program) await(line string) (time.Time, error) {
	var buf [4096]byte
	for {
		err := p.readable(p.socket)
		now := time.Now()
		n := 0
		if err == nil {
			n, _, err = unix.Recvfrom(p.socket, buf[:], 0)
		}
		if err != nil {
			return now, fmt.Errorf("waiting for %s: %w", line, err)
		}
		for got := range strings.Lines(string(buf[:n])) {
			if strings.TrimSpace(got) == line {
				return now, nil
			}
		}
	}
}

// readable waits until fd has something to read.
func (p *program) readable(fd int) error {
	for {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: int32(p.tells)}}
		n, err := unix.Poll(fds, int(patience/time.Millisecond))
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return os.NewSyscallError("poll", err)
		case n == 0:
			return fmt.Errorf("no answer within %v", patience)
		case fds[0].Revents&unix.POLLIN != 0:
			return nil
		default:
			return errEnded
		}
	}
}

// told waits until the program reports something, and returns that: the time of a call of its
// Reload by the monotonic clock, or the processor time of its health checks.
func (p *program) told() (time.Duration, error) {
	var b [8]byte
	err := p.readable(p.tells)
	if err == nil {
		_, err = unix.Read(p.tells, b[:])
	}
	if err != nil {
		return 0, fmt.Errorf("waiting for its report: %w", err)
	}
	return time.Duration(binary.NativeEndian.Uint64(b[:])), nil
}

// reap waits until the program has exited, which must happen by itself and with success.
func (p *program) reap() error {
	last := time.AfterFunc(patience, func() { _ = p.process.Kill() })
	defer last.Stop()
	state, err := p.process.Wait()
	p.reaped, p.used = true, state
	if err == nil && !state.Success() {
		err = errors.New(state.String())
	}
	return err
}

// end removes everything that is left of the program, and adds its log to an error.
func (p *program) end(err error) error {
	if p.process != nil && !p.reaped {
		_ = p.process.Kill()
		_, _ = p.process.Wait()
	}
	if p.deaf != nil {
		_ = p.deaf.Close()
	}
	for _, fd := range []int{p.tells, p.socket} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
	if err != nil {
		log, _ := os.ReadFile(p.log)
		err = fmt.Errorf("%w\n%s", err, log)
	}
	return err
}

// listen makes the socket of a service manager.
func listen(address string) (int, error) {
	if err := os.Remove(address); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return -1, err
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	return fd, unix.Bind(fd, &unix.SockaddrUnix{Name: address})
}

func monotonic() (time.Duration, error) {
	var now unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	return time.Duration(now.Nano()), err
}
