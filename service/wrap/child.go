package wrap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-dev/holdfast/service"
)

// child is one life of the command.
type child struct {
	*process
	out   *output
	since time.Time
	found os.FileInfo // of its ready.file before the start; nil: there was none

	ready     chan struct{} // closed by READY=1
	readyOnce sync.Once
	pinged    atomic.Int64 // time of the last WATCHDOG=1, UnixNano
	trigger   atomic.Bool  // WATCHDOG=trigger was received
	watchdog  atomic.Int64 // longest time between two WATCHDOG=1

	mu       sync.Mutex
	errno    string
	reloaded chan struct{} // closed by READY=1 after RELOADING=1; nil: nobody waits for it
	reloads  bool          // RELOADING=1 was received
}

// spawn executes the command.
func (p *Program) spawn() (*child, error) {
	o := p.options()
	out, stdout, stderr, err := newOutput(o, p.journal)
	if err != nil {
		return nil, err
	}
	c := &child{out: out, since: time.Now(), ready: make(chan struct{})}
	if file := o.Ready.File; file != "" {
		c.found, _ = os.Stat(file) //nolint:errcheck // there is none
	}
	c.pinged.Store(time.Now().UnixNano())
	c.watchdog.Store(int64(o.Health.Watchdog))
	env, dir := p.environment(o), p.directory(o)
	path, err := lookup(o.Command[0], dir)
	if err == nil {
		cmd := &exec.Cmd{Path: path, Args: o.Command, Env: env, Dir: dir, Stdout: stdout, Stderr: stderr}
		console(cmd, o.Stop)
		passed := p.handOver(cmd)
		p.mu.Lock() // heard must find the child of whatever the command says
		c.process, err = p.spawner.start(cmd)
		if err == nil {
			p.child = c
			p.mark()
		}
		p.mu.Unlock()
		for _, f := range passed {
			_ = f.Close()
		}
	}
	out.begun()
	if err != nil {
		out.finish(0)
		return nil, err
	}
	p.rt.Slog().Info("started the command", "pid", c.pid(), "program", path)
	return c, nil
}

// environment returns the environment of the command.
func (p *Program) environment(o Options) []string {
	env := os.Environ()
	for name, value := range o.Env {
		env = append(env, name+"="+value) // the last one of a name counts
	}
	if mark, ok := p.spawner.mark(); ok {
		env = append(env, mark)
	}
	if p.notify != nil {
		env = append(env, "NOTIFY_SOCKET="+p.notify.path)
		if o.Health.Watchdog > 0 {
			env = append(env, fmt.Sprintf("WATCHDOG_USEC=%d", o.Health.Watchdog.Microseconds()))
		}
	}
	return env
}

func (p *Program) directory(o Options) string {
	if o.Directory != "" {
		return o.Directory
	}
	return p.rt.Dirs().State
}

// await returns nil when the command is ready, or else the reason why it is not.
func (p *Program) await(ctx context.Context, c *child) error {
	o := p.options()
	if o.Ready.none() {
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	dead := make(chan struct{})
	defer close(dead)
	go func() {
		select {
		case <-c.ended:
			cancel(errEnded)
		case <-dead:
		}
	}()
	what, err := p.conditions(ctx, o, c)
	if c.exited() {
		<-c.ended
		return p.failedStart(o, c)
	}
	if err == nil {
		return nil
	}
	if errors.Is(context.Cause(ctx), service.ErrOverrun) {
		err = errors.New(err.Error()) // otherwise the service would take it for the outcome of the stop, and not log it
	}
	return c.saying(fmt.Errorf("the command is not ready: %s: %w", what, err))
}

var errEnded = fmt.Errorf("the command has ended")

// conditions waits for one condition of readiness after the other. what names the one that failed.
func (p *Program) conditions(ctx context.Context, o Options, c *child) (what string, err error) {
	wait := func(happened <-chan struct{}) error {
		select {
		case <-happened:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if o.Ready.Notify {
		if err := wait(c.ready); err != nil {
			return "ready.notify: no READY=1 was received", err
		}
	}
	if o.Ready.Log != "" {
		if err := wait(c.out.matched); err != nil {
			return fmt.Sprintf("ready.log: no line matches %q", o.Ready.Log), err
		}
	}
	if o.Ready.Delay > 0 {
		timer := time.NewTimer(time.Until(c.since.Add(o.Ready.Delay)))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return "ready.delay", context.Cause(ctx)
		}
	}
	if probe := o.Ready.probe(); !probe.empty() {
		if err := probe.until(ctx, c.found, p.command(o)); err != nil {
			return "ready", err
		}
	}
	return "", nil
}

// failedStart returns the error of a command that has ended before it was ready.
func (p *Program) failedStart(o Options, c *child) error {
	if err := p.background(o, c); err != nil {
		return failed(1, err)
	}
	return failed(c.result.exit(o.Exit), c.saying(fmt.Errorf("the command ended before it was ready: %v", c.result)))
}

// background returns an error if the command has ended but processes that it has started continue,
// as those of a traditional daemon do. Otherwise it returns nil.
func (p *Program) background(o Options, c *child) error {
	others := p.spawner.others()
	if !c.hasEnded() || c.result.code != 0 || len(others) == 0 {
		return nil
	}
	return fmt.Errorf("the command went to the background (process %d continues), where it cannot be supervised: keep it in the foreground%s",
		others[0], foreground(o.Command[0]))
}

// saying adds to err what the command has said last. Some of that may be read only after the command
// has ended, so it is added when the text of the error is asked for.
func (c *child) saying(err error) error { return &lastWords{err, c} }

type lastWords struct {
	err error
	of  *child
}

func (e *lastWords) Unwrap() error { return e.err }

func (e *lastWords) Error() string {
	c := e.of
	text := e.err.Error()
	c.mu.Lock()
	if c.errno != "" {
		text += "; it said " + c.errno
	}
	c.mu.Unlock()
	if said := c.out.said(); said != "" {
		text += "; its last lines: " + said
	}
	return text
}

// heard handles a message that the command has sent by sd_notify(3).
func (p *Program) heard(n notice) {
	p.keep(n)
	p.mu.Lock()
	c := p.child
	p.mu.Unlock()
	if c == nil {
		return
	}
	log := p.rt.Slog()
	for _, what := range n.refused {
		log.Warn("a message of the command is not supported", "refused", what)
	}
	if n.status != "" {
		p.said = n.status
	}
	if n.extend > 0 {
		p.rt.Progress(p.said)
	} else if n.status != "" {
		p.rt.Status(n.status)
	}
	if n.alive {
		c.pinged.Store(time.Now().UnixNano())
	}
	if n.dead {
		c.trigger.Store(true)
		p.hurryHealth()
	}
	if n.watchdog > 0 {
		c.watchdog.Store(int64(n.watchdog))
		p.hurryHealth()
	}
	if n.stopping {
		log.Info("the command says that it is stopping")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if n.errno != "" {
		c.errno = n.errno
	}
	if n.reloading {
		c.reloads = true
	}
	if n.ready {
		c.readyOnce.Do(func() { close(c.ready) })
		if c.reloads && c.reloaded != nil {
			close(c.reloaded)
			c.reloaded = nil
		}
		c.reloads = false
	}
}
