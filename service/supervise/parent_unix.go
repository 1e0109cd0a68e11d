//go:build unix

package supervise

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
)

// supervisor is a Parent at work. One goroutine runs it.
type supervisor struct {
	Parent
	// Two channels, as os/signal drops what does not fit: a storm of one kind
	// must not crowd out the other.
	stops, reloads chan os.Signal
	stopping       bool
	signal         string // that ended the last child; empty: none did
	refused        int    // starts in a row of which the system has refused to execute the program
}

func (p Parent) run(ctx context.Context) (int, error) {
	p.Restart = p.Restart.WithDefaults()
	// The kernel takes the end of the thread that made the child for the end of
	// its parent, golang.org/issue/27505.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s := &supervisor{Parent: p, stops: make(chan os.Signal, 2), reloads: make(chan os.Signal, 1)}
	signal.Notify(s.stops, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(s.stops)
	defer signal.Stop(s.reloads)
	if ctx.Err() != nil { // asked for before we listened
		return platform.ExitOK, nil
	}

	restarts := budget{restart: p.Restart}
	for begun := false; ; begun = true {
		code, how, err := s.runChild()
		if begun && passes(err) {
			code, how, s.signal, err = platform.ExitFailed, err.Error(), "", nil
			s.refused++
		} else {
			s.refused = 0
		}
		switch {
		case err != nil:
			return platform.ExitFailed, err
		case s.stopping:
			return exitCode(code), nil
		}
		ended := platform.Exit{Clean: p.Restart.Succeeded(code), Code: code, Signal: s.signal, Reason: how}
		if s.refused == 0 {
			ended.Reason = ended.Words()
		}
		switch {
		case !p.Restart.Follows(code):
			p.Log("it has ended: not started again", "how", how)
			s.leave(ended, false)
			return exitCode(code), nil
		case !restarts.take(time.Now()):
			p.Log("it has ended too often: not started again until it is started by hand", "how", how, "restarts", p.Restart.Max, "within", p.Restart.Window)
			s.leave(ended, true)
			return exitCode(code), nil
		}
		delay := backOff(p.Restart.Delay, s.refused)
		p.Log("it has ended: starting it again", "how", how, "after", delay)
		next := &platform.NextTry{At: time.Now().Add(delay), Delay: delay, Number: len(restarts.past)}
		if p.Restart.Max > 0 {
			next.Max, next.Window = p.Restart.Max, p.Restart.Window
		}
		if s.wait(next, ended) {
			return exitCode(code), nil
		}
	}
}

// passes reports whether err is one of a program that is being replaced, or of a
// machine that is short of something: the next start may succeed.
func passes(err error) bool {
	for _, passing := range []error{
		fs.ErrNotExist, syscall.ETXTBSY, syscall.ENOEXEC, fs.ErrPermission, syscall.EAGAIN, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE, syscall.EIO,
	} {
		if errors.Is(err, passing) {
			return true
		}
	}
	return false
}

// The wait for a program that cannot be executed grows up to this.
const longestBackOff = time.Minute

// backOff is the wait before a restart: delay, and twice as long with each start
// in a row that the system has refused.
func backOff(delay time.Duration, refused int) time.Duration {
	if refused == 0 {
		return delay
	}
	d := max(delay, 10*time.Millisecond)
	for range refused - 1 {
		if d *= 2; d >= longestBackOff {
			return max(longestBackOff, delay)
		}
	}
	return d
}

// runChild runs one child to its end. code is -1 if a signal killed it.
func (s *supervisor) runChild() (code int, how string, err error) {
	child, err := s.start()
	if err != nil {
		return 0, "", err
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	for {
		select {
		case sig := <-s.stops:
			s.stopping = true
			s.pass(child, sig)
		case sig := <-s.reloads:
			s.pass(child, sig)
		case err := <-ended:
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				return 0, "", fmt.Errorf("wait for %s: %w", s.Argv[0], err)
			}
			s.signal = ""
			if w, ok := child.ProcessState.Sys().(syscall.WaitStatus); ok && w.Signaled() {
				s.signal = unix.SignalName(w.Signal())
			}
			return child.ProcessState.ExitCode(), child.ProcessState.String(), nil
		}
	}
}

// start makes a child that ignores SIGHUP until it has a handler: what is
// ignored stays so in a new program, what has a handler gets its deadly default.
func (s *supervisor) start() (*exec.Cmd, error) {
	child := exec.Command(s.Argv[0], s.Argv[1:]...) //nolint:noctx // it ends by signals
	child.Env = append(os.Environ(), native.StarterVariable+"="+s.Starter+" "+strconv.Itoa(os.Getpid()))
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	child.SysProcAttr = attributes()
	signal.Ignore(syscall.SIGHUP)
	err := child.Start()
	signal.Notify(s.reloads, syscall.SIGHUP)
	return child, err
}

// pass hands a signal to the child, which may have ended by now.
func (s *supervisor) pass(child *exec.Cmd, sig os.Signal) {
	if err := child.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.Log("a signal was not passed on", "signal", sig.String(), "error", err)
	}
}

// leave tells of the last end.
func (s *supervisor) leave(ended platform.Exit, tooOften bool) {
	if s.Leaves != nil {
		s.Leaves(ended, tooOften)
	}
}

// wait is pause that tells whoever wants to know.
func (s *supervisor) wait(next *platform.NextTry, ended platform.Exit) (stopped bool) {
	if s.Waits == nil {
		return s.pause(time.Until(next.At))
	}
	s.Waits(next, ended)
	defer s.Waits(nil, platform.Exit{})
	return s.pause(time.Until(next.At))
}

// pause waits before a restart, and reports whether a stop came instead.
func (s *supervisor) pause(delay time.Duration) (stopped bool) {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return false
		case <-s.stops:
			return true
		case <-s.reloads: // the next child reads the configuration anyway
		}
	}
}

func exitCode(code int) int {
	if code < 0 {
		return platform.ExitFailed
	}
	return code
}
