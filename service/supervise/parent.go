package supervise

import (
	"context"
	"os"

	"github.com/holdfast-dev/holdfast/platform"
)

// A Parent says what to supervise.
type Parent struct {
	Argv    []string // absolute path of the program, and its arguments
	Starter string   // what the service names as its starter
	Restart platform.Restart
	Log     func(text string, keysAndValues ...any)
	// Kept holds descriptors for the child, as if an earlier child had stored them under their
	// names. Run closes them.
	Kept []*os.File
	// Waits is called by the goroutine of Run at the start of each wait before a restart, with
	// the next start and with how the child has ended. At the end of the wait it is called
	// with a nil next. Waits may be nil.
	Waits func(next *platform.NextTry, ended platform.Exit)
	// Leaves is called by the goroutine of Run when the last child has ended although nobody
	// asked it to stop. tooOften reports whether it is given up because it was restarted as
	// often as Restart allows. Leaves may be nil.
	Leaves func(ended platform.Exit, tooOften bool)
}

// Run runs Argv as a child, with our environment, standard output and standard error. It
// restarts the child after each end that Restart follows: Delay after the end, at most Max
// times within Window. It blocks until the child has ended for good. It returns the child's
// exit code, or platform.ExitFailed if a signal killed the child. The error says why the first
// child could not be started. A later child that cannot be executed, for example because its
// program is being replaced, counts as a failed one. The wait after it doubles each time, up
// to a minute. If ctx has ended before the first child, a stop was requested before Run
// listened, and Run starts nothing.
//
// SIGTERM and SIGINT end the supervision. Each of them is passed on to the child, so that a
// second one hurries the child too. Then Run waits for the child, without limit. SIGHUP is
// passed on. A SIGHUP before the child handles it does not kill the child and need not be
// repeated: the child has not read its configuration yet.
//
// On Linux, Run keeps the sockets that a child stores for the next child. The protocol is that
// of systemd's file descriptor store: NOTIFY_SOCKET with sd_notify(3), and LISTEN_FDS. At its
// end Run closes them.
//
// Only one Run may be active in a process, because it owns these three signals.
func (p Parent) Run(ctx context.Context) (code int, err error) { return p.run(ctx) }
