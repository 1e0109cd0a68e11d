package service

import (
	"context"
	"errors"
	"os"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/service/logsink"
)

// Run lives the whole life of prog as a service, as the package comment has it,
// and returns when it is over: nil after a stop that was asked for and in which
// every step succeeded. [ExitCode] turns the error into the exit code that
// managers expect.
//
// The end of ctx asks for a stop, as SIGTERM does. When Run returns [ErrForced],
// goroutines of the program may still run: leave the process at once.
//
// From its first line on Run owns the process's SIGTERM, SIGINT and SIGHUP, and
// takes the manager's variables (NOTIFY_SOCKET, WATCHDOG_*, LISTEN_*) out of the
// environment, so that no child speaks in our name. It keeps the signals: a late
// one must not turn the exit code into a death by signal. A process that goes on
// after Run calls signal.Reset. A process runs one life at a time.
func Run(ctx context.Context, cfg Config, prog Program) error {
	host, doubt := native.Host()
	err := run(ctx, host, doubt, cfg, prog)
	err = errors.Join(err, host.Close(ExitCode(err)))
	if h, ok := host.(platform.ExitCoder); ok {
		err = inTerms(h, err)
	}
	return err
}

// run is Run on a given host. doubt is what could not be understood of what the
// manager handed over: no reason not to serve, but worth a warning.
func run(ctx context.Context, host platform.Host, doubt error, cfg Config, prog Program) error {
	cfg, err := cfg.Load()
	if err != nil {
		return err
	}
	sink, err := logsink.Open(cfg.ID("").String(), logOptions(cfg.Log, host))
	if err != nil {
		return errors.Join(ErrConfig, err)
	}
	if b, ok := host.(platform.Briefed); ok {
		_, observes := prog.(Observer)
		b.Brief(platform.Briefing{StartTimeout: cfg.StartTimeout, StopTimeout: cfg.StopTimeout, Events: observes})
	}
	if doubt != nil {
		sink.Logger().Warn("the manager's environment is not understood", "error", doubt)
	}
	err = newLife(cfg, host, prog, sink).live(ctx)
	if err != nil {
		sink.Logger().Error("failed", "exit_code", ExitCode(err), "error", err)
		err = logged{err}
	}
	// A log that nobody takes is no failure of the service.
	if unheard := sink.Close(); !errors.Is(unheard, os.ErrDeadlineExceeded) {
		err = errors.Join(err, unheard)
	}
	return err
}

// logged is an error that the service's log has already.
type logged struct{ error }

func (l logged) Unwrap() error { return l.error }

// Logged tells whether Run has written err to the service's log, so that nobody
// needs to print it again.
func Logged(err error) bool {
	var l logged
	return errors.As(err, &l)
}
