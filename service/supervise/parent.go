package supervise

import (
	"context"

	"github.com/holdfast-dev/holdfast/platform"
)

// Parent says what to supervise.
type Parent struct {
	Argv    []string // absolute path of the program, and its arguments
	Starter string   // who the service says has started it
	Restart platform.Restart
	Log     func(text string, keysAndValues ...any)
	// Waits is told, by the goroutine of Run, of each wait before a restart: which start comes next, and
	// how the child has ended; next is nil when the wait is over. Nil: nobody is.
	Waits func(next *platform.NextTry, ended platform.Exit)
	// Leaves is told, likewise, how the last child has ended where nobody asked for that, and whether
	// it is left at that because it was started again as often as Restart allows. Nil: nobody is.
	Leaves func(ended platform.Exit, tooOften bool)
}

// Run runs Argv as a child, with our environment, standard output and standard
// error, and again whenever it has ended in a way that Restart follows: Delay
// after the end, at most Max times within Window. It returns when the child has
// ended for good: with its exit code, or platform.ExitFailed if a signal killed
// it. The error says why the first child could not be made. One that cannot be
// executed later on, as its program is just being replaced, counts as one that
// has failed, and the wait after it doubles, up to a minute. The end of ctx before
// the first child is the request to stop that came before Run listened.
//
// SIGTERM and SIGINT end the supervision and are passed on to the child, each of
// them, so that a second one hurries it as well; then Run waits for the child
// however long that takes. SIGHUP is passed on. A SIGHUP before the child could
// handle it does not kill it and need not be repeated: the child has yet to read
// its configuration.
//
// A process does this once at a time: Run owns the three signals meanwhile.
func (p Parent) Run(ctx context.Context) (code int, err error) { return p.run(ctx) }
