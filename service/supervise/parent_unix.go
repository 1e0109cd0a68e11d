//go:build unix

package supervise

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
)

// family is a supervisor at work. One goroutine runs it.
type family struct {
	Parent
	// Two channels, as os/signal drops what does not fit: a storm of one kind
	// must not crowd out the other.
	stops, reloads chan os.Signal
	stopping       bool
}

func (p Parent) run() (int, error) {
	p.Restart = p.Restart.WithDefaults()
	// The kernel takes the end of the thread that made the child for the end of
	// its parent, golang.org/issue/27505.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	f := &family{Parent: p, stops: make(chan os.Signal, 2), reloads: make(chan os.Signal, 1)}
	signal.Notify(f.stops, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(f.stops)
	defer signal.Stop(f.reloads)

	restarts := budget{restart: p.Restart}
	for {
		code, how, err := f.raise()
		switch {
		case err != nil:
			return platform.ExitFailed, err
		case f.stopping:
			return exitCode(code), nil
		case !p.Restart.Policy.Follows(code):
			p.Log("it has ended: not started again", "how", how)
			return exitCode(code), nil
		case !restarts.take(time.Now()):
			p.Log("it has ended too often: not started again", "how", how, "restarts", p.Restart.Max, "within", p.Restart.Window)
			return exitCode(code), nil
		}
		p.Log("it has ended: starting it again", "how", how, "after", p.Restart.Delay)
		if f.rest() {
			return exitCode(code), nil
		}
	}
}

// raise runs one child to its end. code is -1 if a signal killed it.
func (f *family) raise() (code int, how string, err error) {
	child, err := f.start()
	if err != nil {
		return 0, "", err
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	for {
		select {
		case s := <-f.stops:
			f.stopping = true
			f.pass(child, s)
		case s := <-f.reloads:
			f.pass(child, s)
		case err := <-ended:
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				return 0, "", fmt.Errorf("wait for %s: %w", f.Argv[0], err)
			}
			return child.ProcessState.ExitCode(), child.ProcessState.String(), nil
		}
	}
}

// start makes a child that ignores SIGHUP until it has a handler: what is
// ignored stays so in a new program, what has a handler gets its deadly default.
func (f *family) start() (*exec.Cmd, error) {
	child := exec.Command(f.Argv[0], f.Argv[1:]...) //nolint:noctx // it ends by signals
	child.Env = append(os.Environ(), native.StarterVariable+"="+f.Starter+" "+strconv.Itoa(os.Getpid()))
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	child.SysProcAttr = attributes()
	signal.Ignore(syscall.SIGHUP)
	err := child.Start()
	signal.Notify(f.reloads, syscall.SIGHUP)
	return child, err
}

// pass hands a signal to the child, which may have ended by now.
func (f *family) pass(child *exec.Cmd, s os.Signal) {
	if err := child.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		f.Log("a signal was not passed on", "signal", s.String(), "error", err)
	}
}

// rest waits before a restart, and tells whether a stop came instead.
func (f *family) rest() (stopped bool) {
	delay := time.NewTimer(f.Restart.Delay)
	defer delay.Stop()
	for {
		select {
		case <-delay.C:
			return false
		case <-f.stops:
			return true
		case <-f.reloads: // the next child reads the configuration anyway
		}
	}
}

func exitCode(code int) int {
	if code < 0 {
		return platform.ExitFailed
	}
	return code
}
