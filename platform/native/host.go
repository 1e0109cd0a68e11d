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

// Host connects to whatever started this process, from the moment it returns, and removes what
// that has passed from the environment. The Host is never nil, and works as far as possible.
// The error says what could not be understood.
func Host() (platform.Host, error) {
	// Install the signal handlers first, since reading the environment takes some time. They
	// stay installed under the SCM, without effect, because the end of a user's session must
	// not end the service.
	h := posix.Listen()
	service, warning, err := underSCM()
	if err == nil {
		return service, errors.Join(warning, h.Close(platform.ExitOK))
	} else if errors.Is(err, scm.ErrNotService) {
		err = nil
	}
	ClaimFiles()
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

// WithHost returns a copy of ctx with the process's Host, which already listens.
func WithHost(ctx context.Context, h platform.Host) context.Context {
	return context.WithValue(ctx, hostKey{}, h)
}

// HostFor returns the Host in ctx. If there is none, it calls [Host].
func HostFor(ctx context.Context) (platform.Host, error) {
	if h, ok := ctx.Value(hostKey{}).(platform.Host); ok {
		return h, nil
	}
	return Host()
}
