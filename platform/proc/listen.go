package proc

import "os"

// Listen takes what other processes ask of this one by [Identity.Signal] where
// there are no signals: requests delivers syscall.SIGTERM and syscall.SIGHUP until
// stop is called, and is never closed. Requests of one kind are joined while
// nobody receives; none is ever lost behind those of another kind. stop returns
// when the listening has ended; calling it again does nothing.
//
// Whoever may ask is what the system's own rules for signals would be: the same
// user, SYSTEM and Administrators. The error wraps [ErrSquatted] if another
// process was there before us, to keep others from asking: the caller may go on
// without. On Unix it is errors.ErrUnsupported: os/signal has the signals.
func Listen() (requests <-chan os.Signal, stop func() error, err error) { return listen() }
