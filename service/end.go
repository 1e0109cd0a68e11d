package service

import (
	"context"
	"fmt"
)

// An ExitError is a failure whose exit code the program chooses: [ExitCode] returns Code,
// which must be from 1 to 255. The codes 75, 77 and 78 keep their meaning: managers do not
// restart the service after them.
type ExitError struct {
	Code int
	Err  error // what happened
}

func (e *ExitError) Error() string { return fmt.Sprintf("%v (exit code %d)", e.Err, e.Code) }

// Unwrap returns what happened.
func (e *ExitError) Unwrap() error { return e.Err }

// End requests the ordered stop, as a SIGTERM does, and returns at once. Use it when the
// program has finished its work. The log and `status` show by as the source of the request.
// The restart policy decides whether the manager restarts a service that ended cleanly.
func (rt *Runtime) End(by string) { rt.l.requestStop(&stopRequest{source: by}) }

// FlushLog blocks until the log's destination has taken everything logged before the call, or
// ctx ends. In the latter case the error wraps [os.ErrDeadlineExceeded]. Only programs that
// would rather wait than lose lines need it.
func (rt *Runtime) FlushLog(ctx context.Context) error { return rt.l.sink.Flush(ctx) }
