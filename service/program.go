package service

import (
	"context"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

// A Program is the work of a service. Its methods are never called concurrently, with one
// exception: after a call has overrun its time limit, the life continues without it.
type Program interface {
	// Start makes the program ready to serve, and returns nil once it is. It is called once,
	// or, with a [Config.Cluster], once for each term: again after Stop if a term was lost.
	// Work that continues afterwards runs in [Runtime.Go], or in goroutines that Stop ends.
	//
	// ctx ends when the service has to stop, during Start or long after it, so goroutines may
	// keep it. If Start returns an error, Stop is not called. Start must then have cleaned up,
	// except for the steps it gave to [Runtime.OnStop].
	Start(ctx context.Context, rt *Runtime) error
	// Stop ends what Start began. It is called once for each Start that has returned nil. It
	// is not called if Start failed or is still running, even if Start called [Runtime.Ready].
	// ctx ends when Stop's share of the stop timeout is used up: see the package comment.
	Stop(ctx context.Context) error
}

// A Reloader is a Program that can take a new configuration while it serves. For any other
// Program, a reload changes only the log level and [service.alarm].
type Reloader interface {
	// Reload takes the new configuration as a whole, or returns an error and keeps the old
	// one. It is called once at a time, only while the program is ready, and at least once
	// after the last of many requests. Everybody who requested the reload gets the error. ctx
	// ends after reload_timeout, or when the service has to stop.
	Reload(ctx context.Context) error
}

// A PartialReloader is a Reloader that takes some keys of its own tables only at its start.
// For those keys commands recommend `restart` and not `reload`.
type PartialReloader interface {
	Reloader
	// NeedsRestart reports whether a key, with its table ("feed.url"), takes effect only at
	// the next start. It may be called at any time, in any process.
	NeedsRestart(key string) bool
}

// A Recoverer is a Program that is told about a bad end of the last run before it starts.
type Recoverer interface {
	// Recover is called before Start if the last run did not end cleanly. It shares the
	// context and time limit of Start. An error fails the start.
	Recover(ctx context.Context, last recovery.LastRun) error
}

// An Observer is a Program that is told about events of the machine: users' sessions that
// begin and end, and changes of the power supply. Only Windows reports them to services.
type Observer interface {
	// Observe is called for one event at a time, while the program is ready. A long call
	// delays the next one. Up to 64 events wait; any more are dropped and logged. ctx ends
	// when the service has to stop.
	Observe(ctx context.Context, e platform.Event)
}

// A ProgramFunc is a Program whose whole life is one function. It calls [Runtime.Ready] when
// it is ready. After ctx has ended, it returns nil or ctx's error within three quarters of the
// stop timeout. Returning nil earlier ends the service as if a stop had been requested; any
// other error is a failure. The function cleans up after itself, before it returns or in steps
// of [Runtime.OnStop].
type ProgramFunc func(ctx context.Context, rt *Runtime) error

// Start runs the function.
func (f ProgramFunc) Start(ctx context.Context, rt *Runtime) error { return f(ctx, rt) }

// Stop does nothing, because the function has returned.
func (f ProgramFunc) Stop(context.Context) error { return nil }
