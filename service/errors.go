package service

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/reload"
	"github.com/holdfast-dev/holdfast/singleton"
)

var (
	// ErrForced means that the ordered stop did not end by itself in time, or was
	// cut short by a second request to stop.
	ErrForced = errors.New("forced to exit")
	// ErrOverrun means that a step took longer than its time limit.
	ErrOverrun = errors.New("overran its time limit")
	// ErrUnhealthy means that the health checks failed for longer than the watchdog allows.
	ErrUnhealthy = errors.New("unhealthy for longer than the watchdog allows")
	// ErrShutdown is part of the cause (context.Cause) with which the context of Start
	// ends where the whole machine goes down. Only Windows tells.
	ErrShutdown = errors.New("the machine goes down")
	// ErrStopping is the outcome of a reload that is not done any more because the
	// service stops.
	ErrStopping = reload.ErrStopping
)

// PanicError is a panic of the program, caught where holdfast called it or in a
// goroutine of [Runtime.Go]. The stack is in the log.
type PanicError struct {
	In    string // "Start", "Reload", the goroutine's name, ...
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic in %s: %v", e.In, e.Value) }

// Unwrap gives the value if it was an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// ExitCode is the code that a process which got err from [Run] exits with: 0
// done, 1 failed, 70 panicked, 75 already running, 77 not permitted, 78 bad
// configuration (which includes directories and files that are not safe to use).
// After 75, 77 and 78 a manager does not start it again: what wraps fs.ErrPermission
// is not permitted the next time either. A program that knows better returns
// [Retryable].
//
// Where launchd started the process it is what makes launchd do what that code
// means: 0 for 75, 77 and 78, after which it must not restart, and 1 for
// [ErrBringBack].
func ExitCode(err error) int { return leaveWith(err, exitCode(err)) }

func exitCode(err error) int {
	var panicked *PanicError
	var again *retryableError
	var chosen *ExitError
	switch {
	case err == nil:
		return platform.ExitOK
	case errors.As(err, &panicked):
		return platform.ExitCrashed
	case errors.As(err, &again):
		return platform.ExitFailed
	case errors.As(err, &chosen) && chosen.Code > platform.ExitOK && chosen.Code <= 255:
		return chosen.Code
	case errors.Is(err, singleton.ErrHeld):
		return platform.ExitAlreadyRunning
	case errors.Is(err, ErrConfig), errors.Is(err, files.ErrUntrusted):
		return platform.ExitBadConfig
	case errors.Is(err, singleton.ErrDenied), errors.Is(err, platform.ErrPermission), errors.Is(err, fs.ErrPermission):
		return platform.ExitNotPermitted
	}
	return platform.ExitFailed
}
