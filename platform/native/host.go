package native

import (
	"context"
	"errors"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/launchd"
	"github.com/holdfast-dev/holdfast/platform/internal/posix"
	"github.com/holdfast-dev/holdfast/platform/internal/scm"
	"github.com/holdfast-dev/holdfast/platform/internal/systemd"
)

// Host listens to whatever started this process, from the moment it returns,
// and takes what that handed over out of the environment. The Host is never nil
// and works as far as it can; the error says what it could not understand.
func Host() (platform.Host, error) {
	// Signals first: reading the environment is quick, but not nothing. Under the
	// SCM they stay caught, too, and do nothing: the end of somebody's session
	// must not end the service.
	h := posix.Listen()
	service, warning, err := underSCM()
	if err == nil {
		return service, errors.Join(warning, h.Close(platform.ExitOK))
	} else if errors.Is(err, scm.ErrNotService) {
		err = nil
	}
	n, other := systemd.FromEnvironment()
	name := takeStarter()
	if n.Direct() {
		name = "systemd"
	}
	starter := posix.Starter{Name: name, Notifier: n, Watchdog: n.Watchdog(), Files: n.Files()}
	if policy := launchd.FromEnvironment(); policy != "" {
		starter.Name, starter.ExitCode = "launchd", policy.ExitCode
	}
	h.Introduce(starter)
	if ended := takeEnded(); ended != nil {
		return &host{h, ended}, errors.Join(err, other)
	}
	a, mute := listen(h)
	return &console{h, a}, errors.Join(err, other, mute)
}

type hostKey struct{}

// WithHost is ctx with a Host in it that listens already: a process has one.
func WithHost(ctx context.Context, h platform.Host) context.Context {
	return context.WithValue(ctx, hostKey{}, h)
}

// HostFor is the Host in ctx; where there is none, that of [Host].
func HostFor(ctx context.Context) (platform.Host, error) {
	if h, ok := ctx.Value(hostKey{}).(platform.Host); ok {
		return h, nil
	}
	return Host()
}
