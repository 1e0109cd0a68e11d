package wrap

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

// child is one life of the command.
type child struct {
	*process
	out   *output
	since time.Time
	found os.FileInfo // what its ready.file was before; nil: not there

	ready     chan struct{} // closed by READY=1
	readyOnce sync.Once
	pinged    atomic.Int64 // when WATCHDOG=1 came, UnixNano
	trigger   atomic.Bool  // WATCHDOG=trigger came
	watchdog  atomic.Int64 // longest time between two pings

	mu       sync.Mutex
	errno    string
	reloaded chan struct{} // closed by READY=1 after RELOADING=1; nil: nobody waits
	reloads  bool          // RELOADING=1 came
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
		c.found, _ = os.Stat(file) //nolint:errcheck // then there is none
	}
	c.pinged.Store(time.Now().UnixNano())
	c.watchdog.Store(int64(o.Health.Watchdog))
	env, dir := p.environment(o), p.directory(o)
	path, err := lookup(o.Command[0], dir)
	if err == nil {
		cmd := &exec.Cmd{Path: path, Args: o.Command, Env: env, Dir: dir, Stdout: stdout, Stderr: stderr}
		console(cmd, o.Stop)
		p.mu.Lock() // whoever says something has started
		c.process, err = p.spawner.start(cmd)
		if err == nil {
			p.child = c
			p.mark()
		}
		p.mu.Unlock()
	}
	out.begun()
	if err != nil {
		out.finish(0)
		return nil, err
	}
	p.rt.Slog().Info("started the command", "pid", c.pid(), "program", path)
	return c, nil
}

// environment is what the command gets.
func (p *Program) environment(o Options) []string {
	env := os.Environ()
	for name, value := range o.Env {
		env = append(env, name+"="+value) // of two, the last counts
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

// await returns when the command is ready: nil, or why it is not.
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
	return c.saying(fmt.Errorf("the command is not ready: %s: %w", what, err))
}

var errEnded = fmt.Errorf("the command has ended")

// conditions waits for one after the other.
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
			return "ready.notify: READY=1 has not come", err
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

// failedStart is a command that has ended before it was ready.
func (p *Program) failedStart(o Options, c *child) error {
	if err := p.background(o, c); err != nil {
		return failed(1, err)
	}
	return failed(c.result.exit(o.Exit), c.saying(fmt.Errorf("the command ended before it was ready: %v", c.result)))
}

// background is why a command that has ended is refused: what it has started goes on, as that of a
// daemon of old does.
func (p *Program) background(o Options, c *child) error {
	others := p.spawner.others()
	if !c.hasEnded() || c.result.code != 0 || len(others) == 0 {
		return nil
	}
	return fmt.Errorf("the command went to the background (process %d goes on), where nobody can look after it: have it stay in the foreground%s",
		others[0], foreground(o.Command[0]))
}

// saying is err with what the command says last, which may be read only after its end: so its text is
// that of the time when it is asked for.
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
		text = "; it said " + c.errno
	}
	c.mu.Unlock()
	if said := c.out.said(); said != "" {
		text += "; its last lines: " + said
	}
	return text
}

// heard is what the command says by sd_notify(3).
func (p *Program) heard(n notice) {
	p.mu.Lock()
	c := p.child
	p.mu.Unlock()
	if c == nil {
		return
	}
	log := p.rt.Slog()
	for _, what := range n.refused {
		log.Warn("the command asks for what a wrapped one cannot have", "refused", what)
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
		log.Info("the command says that it stops")
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
