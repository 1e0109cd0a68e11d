package service

import (
	"context"
	"errors"
	"os"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/internal/hangup"
	"github.com/holdfast-dev/holdfast/service/logsink"
	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/singleton"
)

// Run runs prog as a service, in the order that the package comment describes. It
// blocks until the service has ended, and returns nil after a stop that was asked
// for and in which every step succeeded. [ExitCode] turns the error into the exit code that
// managers expect.
//
// The end of ctx asks for a stop, as a first SIGTERM does; it never counts as a
// second request, so ctx may come from signal.NotifyContext. When Run returns
// [ErrForced], goroutines of the program may still run: leave the process at once.
//
// From its first line on Run owns the process's SIGTERM, SIGINT and SIGHUP, and
// takes the manager's variables (NOTIFY_SOCKET, WATCHDOG_*, LISTEN_*) out of the
// environment, so that no child speaks in our name. It keeps the signals: one
// that comes too late must not turn the exit code into a death by signal. A
// process that goes on after Run calls signal.Reset. A process runs one life at
// a time.
//
// What the runtime of Go says when it ends the process for a crash goes to a file, too
// ([runtime/debug.SetCrashOutput]), from which the next run knows; a program that wants it
// elsewhere says so in its Start.
//
// Root that runs by hand what has another [Config.User] is refused: see
// [Config.AsRoot].
//
// Where systemd started this very process, or an argument is the word run, SIGHUP
// is held from before main on, so that it does not kill; it is given back, and one
// that came takes effect, unless Run is called within two seconds.
//
// A stop that is asked for while the configuration is read or the log is opened
// ends Run with nil, at the latest a second later: nothing had begun. While the
// name is being taken it ends in order or, where the disk does not answer within
// five seconds, with ErrForced. A second request leaves at once, always.
func Run(ctx context.Context, cfg Config, prog Program) error {
	host, warning := native.HostFor(ctx)
	hangup.Early() // and never released: as Close leaves it
	err := run(ctx, host, warning, cfg, prog)
	err = errors.Join(err, host.Close(ExitCode(err)))
	if h, ok := host.(platform.ExitCoder); ok {
		err = inTerms(h, err)
	}
	return err
}

// run is Run on a given host. warning is what could not be understood of what the
// manager handed over: no reason not to serve.
func run(ctx context.Context, host platform.Host, warning error, cfg Config, prog Program) error {
	return thisMachine().run(ctx, host, warning, cfg, prog)
}

// machine is what a life calls that may block without end. Tests hand in another.
type machine struct {
	load    func(Config) (Config, error)
	openLog func(name string, o logsink.Options) (*logsink.Sink, error)
	acquire func(singleton.Options) (*singleton.Lock, error)

	writeState  func(path string, s State) error
	closeRecord func(r *recovery.Record, exit platform.Exit, forced bool) error

	online func() bool
}

func thisMachine() machine {
	return machine{Config.Load, logsink.Open, singleton.Acquire, state.Write, (*recovery.Record).Close, online}
}

func (m machine) run(ctx context.Context, host platform.Host, warning error, cfg Config, prog Program) error {
	s := listen(ctx, host, cfg.Guest.deaf(prog))
	defer close(s.over)
	cfg, err := cfg.With(prog)
	if err != nil {
		return err
	}
	given := cfg // what is left unattended goes on with it
	limit := Config{StartTimeout: given.StartTimeout}.withDefaults().StartTimeout
	cfg, err = prepare(s, "read the configuration "+given.File, limit, abandonAfter,
		func() (Config, error) { return m.load(given) }, func(Config) {})
	if err != nil {
		return unlessNotBegun(err)
	}
	if err := refuseRoot(cfg, host.Name(), byRoot()); err != nil {
		return err
	}
	sink, err := prepare(s, "open the log", cfg.StartTimeout, abandonAfter, func() (*logsink.Sink, error) {
		sink, err := m.openLog(cfg.ID("").String(), logOptions(cfg.Log, host))
		if err != nil {
			err = errors.Join(ErrConfig, err)
		}
		return sink, err
	}, func(sink *logsink.Sink) { _ = sink.Close() })
	if err != nil {
		return unlessNotBegun(err)
	}
	s.logTo(sink.Slog())
	if h, ok := host.(platform.Configurable); ok {
		_, observes := prog.(Observer)
		h.Configure(platform.HostConfig{StartTimeout: cfg.StartTimeout, StopTimeout: cfg.StopTimeout, Events: observes})
	}
	if warning != nil {
		sink.Slog().Warn("the manager's environment is not understood", "error", warning)
	}
	life := newLife(m, s, cfg, prog, sink)
	if err = life.live(); err != nil {
		life.tell(err)
		err = logged{err}
	}
	// A log that nobody takes is no failure of the service.
	if unheard := sink.Close(); !errors.Is(unheard, os.ErrDeadlineExceeded) {
		err = errors.Join(err, unheard)
	}
	return err
}

// unlessNotBegun is err, or nil where it only says that there was nothing to stop.
func unlessNotBegun(err error) error {
	if errors.Is(err, errNotBegun) {
		return nil
	}
	return err
}

// logged is an error that the service's log has already.
type logged struct{ error }

func (l logged) Unwrap() error { return l.error }

// Logged reports whether Run has written err to the service's log, so that nobody
// needs to print it again.
func Logged(err error) bool {
	var l logged
	return errors.As(err, &l)
}
