package service

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

// Runtime is what a running Program asks of holdfast. All methods may be called
// by any goroutine, and none but Reload, Confirmed, Term and FlushLog blocks.
type Runtime struct{ l *life }

// runtimeKey is the key of the [Runtime] in the contexts that a program gets.
type runtimeKey struct{}

// FromContext is the Runtime of the service whose program got ctx, or a context
// made from it, from holdfast: in Start, Recover, Reload, Stop and Observe, in
// [Runtime.Go], [Runtime.OnStop] and [Runtime.HealthCheck]. It is nil for any
// other.
func FromContext(ctx context.Context) *Runtime {
	rt, _ := ctx.Value(runtimeKey{}).(*Runtime)
	return rt
}

// with is ctx as the program gets it.
func (l *life) with(ctx context.Context) context.Context {
	return context.WithValue(ctx, runtimeKey{}, &Runtime{l})
}

// Args are the arguments behind `run`: the configuration's, where a manager
// started it.
func (rt *Runtime) Args() []string { return slices.Clone(rt.l.cfg.Args) }

// Slog is the service's logger. Logging never waits for where the log goes.
func (rt *Runtime) Slog() *slog.Logger { return rt.l.sink.Slog() }

// Logger is the same log for users of hclog. What a library logs through an hclog
// of its own arrives there by [logsink.Adapter].
func (rt *Runtime) Logger() hclog.Logger { return rt.l.sink.Logger() }

// Config is the configuration in force at the start, with its defaults.
func (rt *Runtime) Config() Config { return rt.l.cfg }

// DecodeTable reads the program's own table of the configuration file as it is
// now: see the function [DecodeTable].
func (rt *Runtime) DecodeTable(table string, dst any) error {
	return DecodeTable(rt.l.cfg.File, table, dst)
}

// Dirs are the service's directories.
func (rt *Runtime) Dirs() Dirs { return rt.l.dirs }

// Recovery is how the run before this one ended.
func (rt *Runtime) Recovery() recovery.LastRun { return rt.l.last }

// Files are the sockets and other descriptors that the manager opened for the
// service (socket activation: sd_listen_fds(3)), in its order. They are the
// program's to close.
func (rt *Runtime) Files() []*os.File {
	if h, ok := rt.l.host.(interface{ Files() []*os.File }); ok {
		return h.Files()
	}
	return nil
}

// State is what the service says of itself now: what its state file has, or is
// about to have. Its slices and maps are not to be changed.
func (rt *Runtime) State() State { return rt.l.state.now() }

// Ready reports that the program serves. A Start that returns nil says the
// same; a Start (or ProgramFunc) that goes on must call it. Once is enough.
func (rt *Runtime) Ready() { rt.l.readyOnce.Do(func() { close(rt.l.ready) }) }

// Status sets the text that `status` and the manager show. One line.
func (rt *Runtime) Status(text string) {
	rt.l.state.update(func(s *State) { s.StatusText = text })
	rt.l.notify(platform.Notice{Text: text})
}

// Progress is Status, and proof that a Start, Reload or Stop which takes long
// really moves: every time limit that runs now, ours and the manager's, begins
// anew. Call it when a piece of work is done, never from a timer: a program
// that hangs would be waited for without end.
func (rt *Runtime) Progress(text string) {
	longest := rt.l.clocks.windUp()
	rt.l.state.update(func(s *State) { s.StatusText = text })
	n := platform.Notice{Text: text}
	if longest > 0 {
		n.Extend = longest + platform.StopMargin
	}
	rt.l.notify(n)
}

// Reload asks for a reload as a signal does, and blocks until there is the
// outcome of one that started after the call: nil, or why the old configuration
// stays. Requests that wait together share a reload; before the program is ready
// it waits until then. The error is [ErrStopping] if the service stops before,
// or the cause of ctx's end if that comes first; the reload goes on in that case.
// A Reload or a Start that calls it waits for itself: ask from another goroutine.
func (rt *Runtime) Reload(ctx context.Context) error {
	rt.l.log.Info("reload requested", "by", "the program")
	return rt.l.gate.Request().Wait(ctx)
}

// Go runs fn in a goroutine that belongs to the service. Its context ends after
// Program.Stop has returned, and the stop waits for fn then. If fn returns an
// error or panics before, the service stops in order and exits with a failure.
// Returning nil is fine at any time.
func (rt *Runtime) Go(name string, fn func(ctx context.Context) error) { rt.l.group.run(name, fn) }

// OnStop adds a step to the end of the ordered stop; the step added last runs
// first. It runs whatever failed before it, and gets a context that ends after
// timeout (or earlier, when the stop timeout is used up). A timeout of 0 leaves
// it what the stop timeout leaves.
func (rt *Runtime) OnStop(name string, timeout time.Duration, fn func(ctx context.Context) error) {
	rt.l.cleanups.push(cleanup{name, timeout, fn})
}

// HealthCheck adds a check. From readiness on all checks are called one after the
// other, every half of the watchdog's time or, without a watchdog, every
// health_interval, and have that long together. What each said last, and since
// when, is in the state file and in `status`; that one begins to fail is logged. A
// watchdog is fed only while all of them return nil. One that hangs counts as
// failed, and is not called again before it has returned.
func (rt *Runtime) HealthCheck(name string, fn func(ctx context.Context) error) {
	rt.l.health.add(name, fn)
}

// cleanup is one step of OnStop.
type cleanup struct {
	name    string
	timeout time.Duration
	fn      func(context.Context) error
}

type cleanups struct {
	mu    sync.Mutex
	stack []cleanup
}

func (c *cleanups) push(x cleanup) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stack = append(c.stack, x)
}

// pop takes the step added last. Steps may add steps.
func (c *cleanups) pop() (cleanup, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.stack) == 0 {
		return cleanup{}, false
	}
	x := c.stack[len(c.stack)-1]
	c.stack = c.stack[:len(c.stack)-1]
	return x, true
}

// reserved is how long the steps still to come may take together, as far as
// they have said, and how many they are.
func (c *cleanups) reserved() (sum time.Duration, steps int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range c.stack {
		sum += x.timeout
	}
	return sum, len(c.stack)
}
