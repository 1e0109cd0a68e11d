package service

import (
	"cmp"
	"context"
	"errors"
	"os"
	"sync/atomic"

	"github.com/holdfast-dev/holdfast/internal/watch"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/alarm"
	"github.com/holdfast-dev/holdfast/service/internal/hangup"
	"github.com/holdfast-dev/holdfast/service/logsink"
	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/singleton"
)

// Run runs prog as a service, in the order that the package comment describes. It blocks until
// the service has ended. It returns nil after a requested stop in which every step succeeded.
// [ExitCode] turns the error into the exit code that managers expect.
//
// The end of ctx requests a stop, as a first SIGTERM does. It never counts as a second
// request, so ctx may come from signal.NotifyContext. If Run returns [ErrForced], goroutines
// of the program may still be running: exit the process at once.
//
// From its first line on, Run owns the SIGTERM, SIGINT and SIGHUP of the process. It removes
// the manager's variables (NOTIFY_SOCKET, WATCHDOG_*, LISTEN_*) from the environment, so that
// no child can speak for the service. Run keeps the signals when it returns, because a late
// one must not turn the exit code into a death by signal. A process that continues after Run
// should call signal.Reset. A process may run one life at a time.
//
// Run sends the crash report of the Go runtime to a file, too
// ([runtime/debug.SetCrashOutput]), and the next run reads it. A program that wants it
// elsewhere calls that function in its Start.
//
// Run refuses to serve if root starts by hand a service that has another [Config.User]: see
// [Config.AsRoot].
//
// If systemd started this very process, or one of the arguments is "run", SIGHUP is caught
// even before main, so that it does not kill the process. If Run is not called within two
// seconds, the default handling is restored, and a SIGHUP that has arrived takes effect.
//
// If a stop is requested while the configuration is read or the log is opened, Run returns nil
// within a second, because nothing has begun. While the lock is being taken, Run stops in
// order, or returns ErrForced if the disk does not answer within five seconds. A second
// request always makes Run return at once.
func Run(ctx context.Context, cfg Config, prog Program) error {
	host, warning := native.HostFor(ctx)
	hangup.Early() // never released, because Close leaves the signals caught
	err := thisMachine().run(ctx, host, warning, &cfg, prog)
	err = errors.Join(err, host.Close(ExitCode(err)))
	if h, ok := host.(platform.ExitCoder); ok {
		err = inTerms(h, err)
	}
	return err
}

// machine has the calls of a life that may block without end. Tests replace them.
type machine struct {
	load    func(*Config) (*Config, error)
	openLog func(name string, o logsink.Options) (*logsink.Sink, error)
	acquire func(singleton.Options) (*singleton.Lock, error)

	writeState  func(path string, s State) error
	closeRecord func(r *recovery.Record, exit platform.Exit, forced bool) error

	online func() bool
	watch  func(dirs ...string) alarm.Changes

	anew bool // the life follows another one in this process, whose lock acquire returns
}

func thisMachine() machine {
	return machine{
		load: func(c *Config) (*Config, error) { return c.load(readFile) }, openLog: logsink.Open, acquire: singleton.Acquire,
		writeState: state.Write, closeRecord: (*recovery.Record).Close, online: online,
		watch: func(dirs ...string) alarm.Changes { return watch.New(dirs...) },
	}
}

// run is Run on a given host. It runs lives until one is not followed by another one. warning
// says what could not be understood in the manager's environment. It does not prevent the
// service from serving.
func (m machine) run(ctx context.Context, host platform.Host, warning error, cfg *Config, prog Program) error {
	var passed atomic.Pointer[singleton.Lock] // to the next life
	acquire := m.acquire
	for {
		lock, err := m.runOnce(ctx, host, warning, cfg, prog)
		if unused := passed.Swap(nil); unused != nil { // the life has failed before it took the lock
			err = errors.Join(err, unused.Release())
		}
		if lock == nil {
			return err
		}
		passed.Store(lock)
		m.acquire = func(o singleton.Options) (*singleton.Lock, error) {
			if kept := passed.Swap(nil); kept != nil {
				return kept, nil
			}
			return acquire(o)
		}
		m.anew, warning = true, nil
	}
}

// runOnce runs one life. It returns the lock if another life has to follow, which takes it.
func (m machine) runOnce(ctx context.Context, host platform.Host, warning error, cfg *Config, prog Program) (next *singleton.Lock, err error) {
	s := listen(ctx, host, cfg.Guest.deaf(prog))
	defer func() {
		close(s.over)
		<-s.ended
		if next != nil && (err != nil || s.asked) { // by a request that came too late for this life's cause
			err = errors.Join(err, next.Release())
			next = nil
		}
	}()
	given := *cfg // a copy for calls that continue unattended
	if err := given.with(prog); err != nil {
		return nil, err
	}
	limit := cmp.Or(given.StartTimeout, defaults().StartTimeout)
	cfg, err = prepare(s, "read the configuration "+given.File, limit, abandonAfter,
		func() (*Config, error) { return m.load(&given) }, func(*Config) {})
	if err != nil {
		return nil, unlessNotBegun(err)
	}
	if err := refuseRoot(cfg, host.Name(), byRoot()); err != nil {
		return nil, err
	}
	sink, err := prepare(s, "open the log", cfg.StartTimeout, abandonAfter, func() (*logsink.Sink, error) {
		sink, err := m.openLog(cfg.ID("").String(), logOptions(cfg.Log, host))
		if err != nil {
			err = errors.Join(ErrConfig, err)
		}
		return sink, err
	}, func(sink *logsink.Sink) { _ = sink.Close() })
	if err != nil {
		return nil, unlessNotBegun(err)
	}
	s.logTo(sink.Slog())
	if h, ok := host.(platform.Configurable); ok {
		_, observes := prog.(Observer)
		h.Configure(platform.HostConfig{StartTimeout: cfg.StartTimeout, StopTimeout: cfg.StopTimeout, Events: observes})
	}
	if warning != nil {
		sink.Slog().Warn("the manager's environment variables are invalid", "error", warning)
	}
	life := newLife(m, s, cfg, prog, sink)
	if err = life.live(); err != nil {
		life.tell(err)
		err = logged{err}
	} else if life.goesOn {
		next = life.lock
	}
	// A log whose destination does not take it is no failure of the service.
	if unheard := sink.Close(); !errors.Is(unheard, os.ErrDeadlineExceeded) {
		err = errors.Join(err, unheard)
	}
	return next, err
}

// unlessNotBegun returns err, or nil if err only says that there was nothing to stop.
func unlessNotBegun(err error) error {
	if errors.Is(err, errNotBegun) {
		return nil
	}
	return err
}

// A logged error is in the service's log already.
type logged struct{ error }

func (l logged) Unwrap() error { return l.error }

// Logged reports whether Run has written err to the service's log, so that it need not be
// printed again.
func Logged(err error) bool {
	var l logged
	return errors.As(err, &l)
}
