package kardianos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/kardianos/service"

	holdfast "github.com/holdfast-dev/holdfast/service"
)

// A Reloader is an Interface that can take a new configuration while it runs. SIGHUP and the
// manager's own reload request it. The manager reports the outcome.
type Reloader interface {
	service.Interface
	Reload(s service.Service) error
}

// Run runs the service by service.Run. It returns the program's own error if that was the
// cause.
func (s *adoptee) Run() error {
	if s.program == nil { // such a service can only be controlled
		return fmt.Errorf("run %q: its Interface is nil: %w", s.config.Name, errors.ErrUnsupported)
	}
	c, _ := s.settings() // Install warns
	s.keepOutput()
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	g := &guest{adoptee: s, ask: cancel, environment: spokenBy()}
	var prog holdfast.Program = g
	if r, ok := s.program.(Reloader); ok && c.Guest.Reloads {
		prog = &reloading{g, r}
	}
	err := holdfast.Run(ctx, c, prog)
	if g.failed != nil {
		return g.failed
	}
	return err
}

// guest is the program as a service.Program.
type guest struct {
	*adoptee
	ask         context.CancelCauseFunc // requests a stop
	environment map[string]string
	waited      chan struct{}   // closed when RunWait has returned; nil: there is none
	life        context.Context // ends when a stop is requested; its cause says by whom
	failed      error           // what the program itself returned
}

// spokenBy returns the variables by which a manager communicates with the service. holdfast
// removes them from the environment, but the program may use them itself.
func spokenBy() map[string]string {
	all := map[string]string{}
	for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"} {
		if v, ok := os.LookupEnv(name); ok {
			all[name] = v
		}
	}
	return all
}

// Start calls the program's Start. The service is ready when that returns.
func (g *guest) Start(ctx context.Context, _ *holdfast.Runtime) error {
	for name, value := range g.environment {
		_ = os.Setenv(name, value)
	}
	if err := g.program.Start(g.adoptee); err != nil {
		g.failed = err
		return err
	}
	g.life = ctx
	if wait := g.options().wait(); wait != nil && g.system.manager != "scm" { // the library does not use it on Windows
		g.waited = make(chan struct{})
		go func() {
			wait()
			close(g.waited)
			g.ask(errWaited)
		}()
	}
	return nil
}

// errWaited is the reason for the stop of a service that stops by itself.
var errWaited = errors.New("RunWait has returned")

// runWaitEnds is how long RunWait may take to return after a stop request. In that time the
// program may handle SIGTERM itself; its Stop is called afterwards.
const runWaitEnds = 5 * time.Second

// Stop calls the program's Stop or Shutdown.
func (g *guest) Stop(ctx context.Context) error {
	if g.waited != nil {
		select {
		case <-g.waited:
		case <-ctx.Done():
		case <-time.After(runWaitEnds):
		}
	}
	g.answered(ctx)
	stop := g.program.Stop
	if p, ok := g.program.(service.Shutdowner); ok && errors.Is(context.Cause(g.life), holdfast.ErrShutdown) {
		stop = p.Shutdown
	}
	if err := stop(g.adoptee); err != nil {
		g.failed = err
		return err
	}
	return nil
}

// reloading is a guest whose program is a Reloader.
type reloading struct {
	*guest
	program Reloader
}

// Reload calls the program's Reload.
func (r *reloading) Reload(context.Context) error { return r.program.Reload(r.adoptee) }
