package service

import (
	"context"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

// Program is what a service does. The calls never overlap, except that after
// one has overrun its time limit the life goes on without it.
type Program interface {
	// Start makes the program ready to serve; returning nil says that it is. It
	// is called once. What has to go on afterwards runs in [Runtime.Go], or in
	// goroutines that Stop ends.
	//
	// ctx ends when the service has to stop, be it during Start or long after
	// it, so goroutines may keep it. A Start that returns an error has cleaned
	// up after itself, except for what it handed to [Runtime.OnStop]; Stop is
	// not called then.
	Start(ctx context.Context, rt *Runtime) error
	// Stop ends what Start began. It is called once, and only after Start
	// returned nil: not after one that failed, or still runs, though it called
	// [Runtime.Ready] before. ctx ends when its share of the stop timeout is used
	// up: see the package comment.
	Stop(ctx context.Context) error
}

// Reloader is a Program that can take a new configuration while it serves.
// Without it a reload only takes the log level and [service.alarm].
type Reloader interface {
	// Reload takes all of the new configuration, or returns an error and keeps
	// the old one. It is called once at a time, only while the program is
	// ready, and at least once after the last request of a storm. The error
	// reaches everybody who asked. ctx ends after reload_timeout, or when the
	// service has to stop.
	Reload(ctx context.Context) error
}

// PartialReloader is a Reloader that takes some keys of its own tables only when it
// starts: commands then name `restart` for them, and not `reload`.
type PartialReloader interface {
	Reloader
	// NeedsRestart reports whether a key, with its table ("feed.url"), takes effect at the
	// next start only. It may be called at any time, in any process.
	NeedsRestart(key string) bool
}

// Recoverer is a Program that wants to know of a bad end before it starts anew.
type Recoverer interface {
	// Recover is called before Start if the last run did not end cleanly. It
	// shares Start's context and time limit; its error fails the start.
	Recover(ctx context.Context, last recovery.LastRun) error
}

// Observer is a Program that wants to know what happens to the machine: sessions
// of users that come and go, the power. Only Windows tells its services.
type Observer interface {
	// Observe is called for one event at a time, while the program is ready. A
	// call that takes long delays the next; of more than 64 that wait, the latest
	// are lost, and logged. ctx ends when the service has to stop.
	Observe(ctx context.Context, e platform.Event)
}

// ProgramFunc is a Program whose whole life is one function. It calls
// [Runtime.Ready] when it is ready and returns when ctx ends, nil or ctx's error,
// within three quarters of the stop timeout. Returning nil before that ends the
// service as if it had been asked to stop; any other error is a failure. It
// cleans up itself, before it returns or in steps of [Runtime.OnStop].
type ProgramFunc func(ctx context.Context, rt *Runtime) error

// Start runs the function.
func (f ProgramFunc) Start(ctx context.Context, rt *Runtime) error { return f(ctx, rt) }

// Stop does nothing: the function has returned.
func (f ProgramFunc) Stop(context.Context) error { return nil }
