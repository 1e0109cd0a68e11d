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

// Reloader is an Interface that takes a new configuration while it serves: SIGHUP, and
// the manager's own reload, ask for it. The outcome is what the manager reports.
type Reloader interface {
	service.Interface
	Reload(s service.Service) error
}

// Run lives the life of the service by holdfast: service.Run. It returns the program's
// own error where that is what went wrong.
func (s *adoptee) Run() error {
	if s.program == nil { // such a service is there to be controlled
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

// guest is the program in holdfast's terms.
type guest struct {
	*adoptee
	ask         context.CancelCauseFunc // for a stop
	environment map[string]string
	waited      chan struct{}   // closed when RunWait has returned; nil: there is none
	life        context.Context // ends when a stop is asked for, by whom its cause says
	failed      error           // what the program itself returned
}

// spokenBy are the variables by which a manager speaks to the service: holdfast takes
// them out of the environment, and the program may want to speak back itself.
func spokenBy() map[string]string {
	all := map[string]string{}
	for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"} {
		if v, ok := os.LookupEnv(name); ok {
			all[name] = v
		}
	}
	return all
}

// Start is the program's, which is ready when it returns.
func (g *guest) Start(ctx context.Context, _ *holdfast.Runtime) error {
	for name, value := range g.environment {
		_ = os.Setenv(name, value)
	}
	if err := g.program.Start(g.adoptee); err != nil {
		g.failed = err
		return err
	}
	g.life = ctx
	if wait := g.options().wait(); wait != nil && g.system.manager != "scm" { // Windows knows none
		g.waited = make(chan struct{})
		go func() {
			wait()
			close(g.waited)
			g.ask(errWaited)
		}()
	}
	return nil
}

// errWaited is why a service stops that stops by itself.
var errWaited = errors.New("RunWait has returned")

// runWaitEnds is how long RunWait may take to return once a stop is asked for: the
// program is to handle SIGTERM itself then, and its Stop comes after that.
const runWaitEnds = 5 * time.Second

// Stop is the program's.
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

// reloading is a guest that is a Reloader.
type reloading struct {
	*guest
	program Reloader
}

// Reload is the program's.
func (r *reloading) Reload(context.Context) error { return r.program.Reload(r.adoptee) }
