package service

import (
	"context"
	"fmt"
)

// ExitError is a failure whose exit code the program has chosen: [ExitCode] is Code,
// from 1 to 255. 75, 77 and 78 keep their meaning, whoever says them: managers do not
// start the service again.
type ExitError struct {
	Code int
	Err  error // what happened
}

func (e *ExitError) Error() string { return fmt.Sprintf("%v (exit code %d)", e.Err, e.Code) }

// Unwrap gives what happened.
func (e *ExitError) Unwrap() error { return e.Err }

// End asks for the ordered stop, as a SIGTERM does, and returns at once: the program has
// done what it was there for. By says who asks, for the log and for `status`. What
// it means that the service ends by itself, and well, the restart policy says.
func (rt *Runtime) End(by string) { rt.l.requestStop(&stopRequest{source: by}) }

// FlushLog waits until all that was logged before has been taken by where the log
// goes, or ctx ends; then the error wraps [os.ErrDeadlineExceeded]. It is for a program
// that would rather wait than have lines dropped; all others never need it.
func (rt *Runtime) FlushLog(ctx context.Context) error { return rt.l.sink.Flush(ctx) }
