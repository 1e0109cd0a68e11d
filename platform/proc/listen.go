package proc

import "os"

// Listen receives the requests that other processes make by [Identity.Signal] on a system
// without signals. The channel delivers syscall.SIGTERM and syscall.SIGHUP until stop is
// called, and is never closed. Requests of the same kind are merged while nobody receives. A
// request of another kind is never lost behind them. stop returns when listening has ended;
// further calls do nothing.
//
// The same user, SYSTEM and Administrators may make requests. The error wraps [ErrSquatted] if
// another process has created our objects first, to keep others from making requests. The
// caller may continue without Listen. On Unix the error is errors.ErrUnsupported: use
// os/signal.
func Listen() (requests <-chan os.Signal, stop func() error, err error) { return listen() }
