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
	// ErrForced means that the ordered stop did not finish in time, or was cut short by a
	// second request to stop.
	ErrForced = errors.New("forced to exit")
	// ErrOverrun means that a step took longer than its time limit.
	ErrOverrun = errors.New("overran its time limit")
	// ErrUnhealthy means that the health checks failed for longer than the watchdog allows.
	ErrUnhealthy = errors.New("unhealthy for longer than the watchdog allows")
	// ErrShutdown is part of the cause (context.Cause) that ends the context of Start when the
	// machine shuts down. Only Windows reports this.
	ErrShutdown = errors.New("the machine is shutting down")
	// ErrStopping is the outcome of a reload request that was not served because the service
	// stops.
	ErrStopping = reload.ErrStopping
)

// A PanicError is a panic of the program, in a call by holdfast or in a goroutine of
// [Runtime.Go]. The log has the stack.
type PanicError struct {
	In    string // "Start", "Reload", the goroutine's name, ...
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic in %s: %v", e.In, e.Value) }

// Unwrap returns the value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// ExitCode returns the exit code for the error of [Run]: 0 done, 1 failed, 70 panicked, 75
// already running, 77 not permitted, 78 bad configuration (which includes directories and
// files that are not safe to use). After 75, 77 and 78 managers do not restart the service,
// because the next run would end the same way. Any error that wraps fs.ErrPermission leads to
// 77; a program that knows better returns [Retryable].
//
// If launchd started the process, ExitCode returns a code with the same effect on launchd: 0
// for 75, 77 and 78, after which it must not restart, and 1 for [ErrBringBack].
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
