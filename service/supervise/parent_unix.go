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

// A supervisor is a running Parent. One goroutine runs it.
type supervisor struct {
	Parent
	// There are two channels because os/signal drops what does not fit: a storm of one signal
	// must not crowd out the other.
	stops, reloads chan os.Signal
	stopping       bool
	signal         string // that killed the last child; empty: it was not killed
	store          *store // nil: nothing is kept
	refused        int    // consecutive starts at which the system refused to execute the program
}

func (p Parent) run(ctx context.Context) (int, error) {
	p.Restart = p.Restart.WithDefaults()
	// The kernel takes the end of the thread that started the child for the end of the child's
	// parent: golang.org/issue/27505.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s := &supervisor{Parent: p, stops: make(chan os.Signal, 2), reloads: make(chan os.Signal, 1)}
	signal.Notify(s.stops, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(s.stops)
	defer signal.Stop(s.reloads)
	if ctx.Err() != nil { // requested before we listened
		return platform.ExitOK, nil
	}

	var err error
	if s.store, err = openStore(p.Kept); err != nil {
		return platform.ExitFailed, fmt.Errorf("keep sockets: %w", err)
	}
	defer s.store.close()
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
			p.Log("it has ended: not restarted", "how", how)
			s.leave(ended, false)
			return exitCode(code), nil
		case !restarts.take(time.Now()):
			p.Log("it has ended too often: not restarted until it is started by hand", "how", how, "restarts", p.Restart.Max, "within", p.Restart.Window)
			s.leave(ended, true)
			return exitCode(code), nil
		}
		delay := backOff(p.Restart.Delay, s.refused)
		p.Log("it has ended: restarting it", "how", how, "after", delay)
		next := &platform.NextTry{At: time.Now().Add(delay), Delay: delay, Number: len(restarts.past)}
		if p.Restart.Max > 0 {
			next.Max, next.Window = p.Restart.Max, p.Restart.Window
		}
		if s.wait(next, ended) {
			return exitCode(code), nil
		}
	}
}

// passes reports whether err comes from a program that is being replaced, or from a machine
// that lacks a resource. The next start may then succeed.
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

// longestBackOff limits the wait for a program that cannot be executed.
const longestBackOff = time.Minute

// backOff returns the wait before a restart. It is delay, doubled with each consecutive start
// that the system has refused.
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

// runChild runs one child until it ends. code is -1 if a signal killed it.
func (s *supervisor) runChild() (code int, how string, err error) {
	child, err := s.start()
	if err != nil {
		return 0, "", err
	}
	ended := make(chan error, 1)
	go func() { ended <- s.store.wait(child) }()
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

// start starts a child that ignores SIGHUP until it handles it. A new program keeps ignoring
// an ignored signal. A handled signal would return to its default, which kills.
func (s *supervisor) start() (*exec.Cmd, error) {
	child := exec.Command(s.Argv[0], s.Argv[1:]...) //nolint:noctx // it ends by signals
	child.Env = append(os.Environ(), native.StarterVariable+"="+s.Starter+" "+strconv.Itoa(os.Getpid()))
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	child.SysProcAttr = attributes()
	signal.Ignore(syscall.SIGHUP)
	err := s.store.start(child)
	signal.Notify(s.reloads, syscall.SIGHUP)
	return child, err
}

// pass sends a signal to the child, which may already have ended.
func (s *supervisor) pass(child *exec.Cmd, sig os.Signal) {
	if err := child.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.Log("a signal could not be forwarded", "signal", sig.String(), "error", err)
	}
}

// leave reports the last end, if Leaves is set.
func (s *supervisor) leave(ended platform.Exit, tooOften bool) {
	if s.Leaves != nil {
		s.Leaves(ended, tooOften)
	}
}

// wait is like pause, and also reports the wait, if Waits is set.
func (s *supervisor) wait(next *platform.NextTry, ended platform.Exit) (stopped bool) {
	if s.Waits == nil {
		return s.pause(time.Until(next.At))
	}
	s.Waits(next, ended)
	defer s.Waits(nil, platform.Exit{})
	return s.pause(time.Until(next.At))
}

// pause waits before a restart. It reports whether a stop request ended the wait.
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
