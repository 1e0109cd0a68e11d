package wrap

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/internal/kept"
)

// tableName is the table of the configuration file.
const tableName = "wrap"

// A Program is a service that runs a command. It is good for one life, and only holdfast calls its
// methods. The zero Program reads the table [wrap] of the configuration file over [Defaults].
type Program struct {
	// Base has the options that the table changes; nil: [Defaults].
	Base *Options

	rt      *service.Runtime
	spawner *spawner
	notify  *notifySocket // nil: the command has none
	probes  *endpoint     // nil: there is none
	kept    *kept.Descriptors
	said    string // the last STATUS; only heard uses it
	deaf    func() // ends the forwarding of signals; nil: there is none
	journal journal

	mu        sync.Mutex
	now       Options // in force
	child     *child  // the command that runs, or ran last
	serving   *child  // the command that is ready and has not ended, as far as known; nil: there is none
	stopping  bool
	unhealthy error // why the command is unhealthy; nil: it is not

	asked    chan struct{} // closed when a stop is requested
	watched  chan struct{} // closed when watch has ended
	asks     sync.Once     // for beAsked
	examined chan struct{} // has a token when examine has to look at once
	sick     chan sickness // a reason to end the command
}

var (
	_ service.Program         = (*Program)(nil)
	_ service.PartialReloader = (*Program)(nil)
	_ service.TableProvider   = (*Program)(nil)
	_ service.Checker         = (*Program)(nil)
)

func (p *Program) base() Options {
	if p.Base == nil {
		return Defaults()
	}
	o := *p.Base
	o.Env, o.Exit = maps.Clone(o.Env), maps.Clone(o.Exit)
	return o
}

// Tables returns the table [wrap], as [Options].
func (p *Program) Tables() map[string]any {
	o := p.base()
	return map[string]any{tableName: &o}
}

// Check reports whether the options are valid and the command exists. A relative path in the state
// directory is not checked, because that directory may not exist yet.
func (p *Program) Check(_ context.Context, cfg service.Config) error {
	o := p.base()
	if err := cfg.DecodeTable(tableName, &o); err != nil {
		return err
	}
	if err := o.Validate(); err != nil { // if there is no such table, nothing has called it
		return service.BadConfig(fmt.Errorf("[%s]: %w", tableName, err))
	}
	late := cfg.ErrorAt(tableName+".stop.grace", fmt.Errorf("%v is not less than stop_timeout, %v", o.Stop.Grace, cfg.StopTimeout))
	if o.Stop.Grace >= cfg.StopTimeout && late.Line > 0 { // a default is less important than stop_timeout
		return service.BadConfig(late)
	}
	if cfg.RootDirectory != "" || o.Directory == "" && !isAbs(o.Command[0]) && strings.Contains(o.Command[0], "/") {
		return nil
	}
	if _, err := lookup(o.Command[0], o.Directory); err != nil {
		return service.BadConfig(cfg.ErrorAt(tableName+".command", err))
	}
	return nil
}

func (p *Program) options() Options {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

// Start starts the command, and returns when it is ready.
func (p *Program) Start(ctx context.Context, rt *service.Runtime) (err error) {
	p.rt, p.now = rt, p.base()
	if err := rt.DecodeTable(tableName, &p.now); err != nil {
		return err
	}
	if err := p.now.Validate(); err != nil { // if there is no such table, nothing has called it
		return service.BadConfig(err)
	}
	p.kept = kept.FromContext(ctx, rt.Slog())
	p.journal = journal{rt.Slog(), rt.FlushLog}
	p.asked, p.watched = make(chan struct{}), make(chan struct{})
	p.examined, p.sick = make(chan struct{}, 1), make(chan sickness, 1)
	p.spawner = &spawner{own: map[int]bool{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.endAll(nil))
			p.clear()
		}
	}()
	if err := p.prepare(); err != nil {
		return err
	}
	if err := p.hooks(ctx, "before_start", p.now.Hooks.BeforeStart, nil); err != nil {
		return err
	}
	c, err := p.spawn()
	if err != nil {
		return err
	}
	if err := p.await(ctx, c); err != nil {
		return errors.Join(err, p.cleanUp(c))
	}
	p.serve(c)
	rt.Go("the command", p.watch)
	p.attend()
	return nil
}

// prepare sets up what all lives of the command share.
func (p *Program) prepare() error {
	id := p.rt.Config().ID("").String()
	p.unmark() // a run that was killed may have left them
	if err := p.spawner.adopt(p.rt.StatePath(".wrap"), p.rt.State().Process); err != nil {
		return err
	}
	if p.now.Probes != "" {
		e, err := listenProbes(p.now.Probes, probeWithin, p.probed)
		if err != nil {
			return err
		}
		p.probes = e
	}
	p.deaf = p.forward()
	if !p.rt.Recovery().Clean() {
		n, err := p.spawner.sweep()
		if n > 0 {
			p.rt.Slog().Warn("killed processes that the last run left behind", "processes", n)
		}
		if err != nil {
			return err
		}
	}
	if !p.now.Ready.Notify {
		return nil
	}
	n, err := listenNotify(p.rt.Dirs().Runtime+string(os.PathSeparator)+id+".notify", p.heard)
	p.notify = n
	return err
}

// clear undoes prepare.
func (p *Program) clear() {
	p.unmark()
	if p.notify != nil {
		p.notify.close()
	}
	p.kept.Close()
	if p.probes != nil {
		p.probes.close()
	}
	if p.deaf != nil {
		p.deaf()
	}
	p.spawner.release()
}

// attend begins the work beside a command that is ready.
func (p *Program) attend() {
	o := p.options()
	p.beAsked(o)
	p.rt.Go("health of the command", p.examine)
	if hooks := o.Hooks.AfterReady; len(hooks) > 0 {
		p.rt.Go("hooks after_ready", func(ctx context.Context) error {
			select {
			case <-p.rt.WhenReady():
				_ = p.hooks(ctx, "after_ready", hooks, nil) // it has logged the error
			case <-ctx.Done():
			}
			return nil
		})
	}
}

// beAsked adds the health check of the command, once the options have anything that can make it
// unhealthy. Otherwise the check would only wake up an idle service.
func (p *Program) beAsked(o Options) {
	if o.Restart.Policy == "manager" && !o.Ready.Notify && o.Health.Watchdog == 0 && o.Health.probe().empty() {
		return
	}
	p.asks.Do(func() {
		p.rt.HealthCheck("the command", func(context.Context) error {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.unhealthy
		})
	})
}

// command returns a function that runs the command of a check.
func (p *Program) command(o Options) func(context.Context, []string) error {
	return func(ctx context.Context, argv []string) error {
		return p.spawner.run(ctx, argv, p.environment(o), p.directory(o))
	}
}

// hooks runs the commands of one event in order. It ends with the first one that fails.
func (p *Program) hooks(ctx context.Context, event string, all [][]string, c *child) error {
	o := p.options()
	env := append(p.environment(o), "WRAP_EVENT="+event, "WRAP_SERVICE="+p.rt.Config().ID("").String())
	env = slices.DeleteFunc(env, func(v string) bool {
		return strings.HasPrefix(v, "NOTIFY_SOCKET=") || strings.HasPrefix(v, "WATCHDOG_USEC=")
	})
	if c != nil {
		env = append(env, fmt.Sprintf("WRAP_PID=%d", c.pid()))
		if c.hasEnded() && c.result.signal != "" {
			env = append(env, "WRAP_SIGNAL="+c.result.signal)
		} else if c.hasEnded() {
			env = append(env, fmt.Sprintf("WRAP_EXIT_CODE=%d", c.result.code))
		}
	}
	for _, argv := range all {
		limit, cancel := context.WithTimeoutCause(ctx, o.Hooks.Timeout, fmt.Errorf("took longer than %v", o.Hooks.Timeout))
		err := p.spawner.run(limit, argv, env, p.directory(o))
		cancel()
		if err != nil {
			err = fmt.Errorf("hook %s: %w", event, err)
			p.rt.Slog().Error("a hook failed", "event", event, "error", err)
			return err
		}
	}
	return nil
}

// failed returns err with an exit code of the service. A failure cannot have the code 0, so it becomes 1.
func failed(code int, err error) error {
	if code == 0 {
		code = 1
	}
	return &service.ExitError{Code: code, Err: err}
}

// endWithin limits the wait for processes that got SIGKILL, because they may hang in the kernel.
const endWithin = 10 * time.Second

// endAll kills all that is left of the command and of the processes that belong to it. It ignores the
// time limit of the stop, because no process may survive. c is nil if there is no command.
func (p *Program) endAll(c *process) error {
	ctx, cancel := context.WithTimeoutCause(context.Background(), endWithin, fmt.Errorf("not within %v", endWithin))
	defer cancel()
	return p.spawner.end(ctx, c)
}

// cleanUp kills all that is left of the command, reads the rest of its output, and runs the hooks
// after_stop.
func (p *Program) cleanUp(c *child) error {
	err := p.endAll(c.process)
	if p.notify != nil {
		p.notify.settle()
	}
	c.out.finish(outputAfter)
	o := p.options()
	if len(o.Hooks.AfterStop) == 0 {
		return err
	}
	limit, done := context.WithTimeout(context.Background(), time.Duration(len(o.Hooks.AfterStop))*o.Hooks.Timeout)
	defer done()
	_ = p.hooks(limit, "after_stop", o.Hooks.AfterStop, c) // it has logged the error
	return errors.Join(err, p.endAll(nil))
}
