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

// A Runtime gives a running Program access to holdfast. All methods are safe for concurrent
// use. Only Reload, Confirmed, Term and FlushLog block.
type Runtime struct{ l *life }

// runtimeKey is the key of the [Runtime] in a program's contexts.
type runtimeKey struct{}

// FromContext returns the Runtime of the service, if ctx is or derives from a context that
// holdfast passed to the program: in Start, Recover, Reload, Stop and Observe, in
// [Runtime.Go], [Runtime.OnStop] and [Runtime.HealthCheck]. It returns nil for any other
// context.
func FromContext(ctx context.Context) *Runtime {
	rt, _ := ctx.Value(runtimeKey{}).(*Runtime)
	return rt
}

// with returns ctx with the Runtime, for the program.
func (l *life) with(ctx context.Context) context.Context {
	return context.WithValue(ctx, runtimeKey{}, &Runtime{l})
}

// Args returns the arguments after `run`. If a manager started the service, they are those of
// the configuration.
func (rt *Runtime) Args() []string { return slices.Clone(rt.l.cfg.Args) }

// Slog returns the service's logger. Logging never waits for the log's destination.
func (rt *Runtime) Slog() *slog.Logger { return rt.l.sink.Slog() }

// Logger returns the same log for users of hclog. [logsink.Adapter] redirects a library's own
// hclog to it.
func (rt *Runtime) Logger() hclog.Logger { return rt.l.sink.Logger() }

// Config returns the configuration in force at the start, with its defaults.
func (rt *Runtime) Config() Config { return *rt.l.cfg }

// DecodeTable decodes the program's own table of the configuration file in its current state:
// see the function [DecodeTable].
func (rt *Runtime) DecodeTable(table string, dst any) error {
	return DecodeTable(rt.l.cfg.File, table, dst)
}

// Dirs returns the service's directories.
func (rt *Runtime) Dirs() Dirs { return rt.l.dirs }

// Recovery describes how the previous run ended.
func (rt *Runtime) Recovery() recovery.LastRun { return rt.l.last }

// Files returns the sockets and other descriptors that the manager opened for the service
// (socket activation: sd_listen_fds(3)), in the manager's order. The program has to close
// them. If the configuration has [[service.socket]], Files returns none: [Runtime.Listen]
// returns those that are in the configuration, and the others are closed. It never returns
// those of [Runtime.Keep].
func (rt *Runtime) Files() []*os.File { return rt.l.files }

// State returns the current state of the service, which the state file has or is about to
// have. The caller must not change its slices and maps.
func (rt *Runtime) State() State { return rt.l.state.now() }

// Ready reports that the program serves. A Start that returns nil reports the same; a Start
// (or ProgramFunc) that continues must call Ready. Further calls have no effect.
func (rt *Runtime) Ready() { rt.l.readyOnce.Do(func() { close(rt.l.ready) }) }

// Status sets the text that `status` and the manager show. It should be one line.
func (rt *Runtime) Status(text string) {
	rt.l.state.update(func(s *State) { s.StatusText = text })
	rt.l.notify(platform.Notice{Text: text})
}

// Progress sets the status text, and proves that a long Start, Reload or Stop makes progress:
// every running time limit, ours and the manager's, starts again. Call it when a piece of work
// is done, and never from a timer, which would keep a program that hangs alive forever.
func (rt *Runtime) Progress(text string) {
	longest := rt.l.clocks.windUp()
	rt.l.state.update(func(s *State) { s.StatusText = text })
	n := platform.Notice{Text: text}
	if longest > 0 {
		n.Extend = longest + platform.StopMargin
	}
	rt.l.notify(n)
}

// Reload requests a reload, as a signal does. It blocks until a reload that started after the
// call has ended, and returns its outcome: nil, or the reason why the old configuration stays.
// Requests that wait together share a reload. Before the program is ready, Reload waits for
// readiness. If the service stops first, the error is [ErrStopping]. If ctx ends first, the
// error is its cause, and the reload continues. A Start or Reload of the program must not call
// this method, because it would wait for itself: use another goroutine.
func (rt *Runtime) Reload(ctx context.Context) error {
	rt.l.log.Info("reload requested", "by", "the program")
	return rt.l.gate.Request().Wait(ctx)
}

// Go runs fn in a goroutine of the service. Its context ends after Program.Stop has returned,
// and the stop then waits for fn. If fn returns an error or panics before, the service stops
// in order and exits with a failure. fn may return nil at any time.
func (rt *Runtime) Go(name string, fn func(ctx context.Context) error) { rt.l.group.run(name, fn) }

// OnStop adds a step to the end of the ordered stop. The step added last runs first. It runs
// even if earlier steps failed. Its context ends after timeout, or earlier if the stop timeout
// is used up. A timeout of 0 means the time that is left of the stop timeout.
func (rt *Runtime) OnStop(name string, timeout time.Duration, fn func(ctx context.Context) error) {
	rt.l.cleanups.push(cleanup{name, timeout, fn})
}

// HealthCheck adds a health check. Once the program is ready, all checks are called in turn,
// every half of the watchdog's time or, without a watchdog, every health_interval. They share
// that time. The state file and `status` show the last result of each check and since when it
// holds; the log shows when a check begins to fail. The watchdog is fed only while all checks
// return nil. A check that hangs counts as failed, and is not called again before it has
// returned.
func (rt *Runtime) HealthCheck(name string, fn func(ctx context.Context) error) {
	rt.l.health.add(name, fn)
}

// A cleanup is one step of OnStop.
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

// pop removes and returns the step added last. Steps may add steps.
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

// reserved returns the number of the remaining steps and the sum of their timeouts.
func (c *cleanups) reserved() (sum time.Duration, steps int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range c.stack {
		sum += x.timeout
	}
	return sum, len(c.stack)
}
