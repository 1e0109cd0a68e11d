package launchd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// Polling intervals, and how long a bootstrap is retried. EIO was seen for 5 s after a bootout
// (headroomlabs-ai/headroom/issues/1289).
const (
	queryEvery = 100 * time.Millisecond
	tryEvery   = 500 * time.Millisecond
	tryFor     = 20 * time.Second
)

// patience is how long a loaded service may wait for its first start before it is kickstarted.
// After a bootstrap launchd sometimes never starts it, despite RunAtLoad and KeepAlive in its
// property list. It then reports "pended nondemand spawn = speculative", while the domain is
// "in on-demand-only mode", as at a login (liby/dotfiles/issues/28,
// bobmatnyc/trusty-tools/issues/2498). A kickstart is a demand. Without -k it does not kill
// anything.
const patience = time.Second

// Start loads the service, which starts it, and waits until its state file says that it is
// ready. A service that is loaded but does not run is loaded again.
func (m *Manager) Start(ctx context.Context, id platform.ID) error {
	return m.failed(ctx, "start", id, m.start(ctx, id, "start"))
}

// Restart boots the service out, waits until it is gone, and starts it.
func (m *Manager) Restart(ctx context.Context, id platform.ID) error {
	return m.failed(ctx, "restart", id, m.start(ctx, id, "restart"))
}

// start starts the service, or restarts it if verb is "restart".
func (m *Manager) start(ctx context.Context, id platform.ID, verb string) error {
	j, file, _, err := m.definition(id)
	if err != nil {
		return err
	}
	if err := m.allowed(id); err != nil {
		return err
	}
	p, domain, err := m.query(ctx, id)
	if err == nil {
		err = m.refuse(ctx, verb, id, p, domain)
	}
	if err != nil {
		return err
	}
	runs := p.number("runs")
	if verb == "restart" || p.pid() == 0 || p.leaving() {
		// Check this before anything is stopped.
		if err := m.checkFile(id, file); err != nil {
			return err
		}
		if p != nil {
			if err := m.enabled(ctx, domain, id); err != nil {
				return err
			}
			if err := m.bootOut(ctx, id, domain, j); err != nil {
				return err
			}
		}
		if err := m.bootstrap(ctx, id, file); err != nil {
			return err
		}
		runs = 1
	}
	return m.awaitReady(ctx, id, j, runs)
}

// Stop boots the service out and waits until it is gone. The service stays installed, and is
// loaded again at the next boot or login. Stop succeeds if it is not loaded.
func (m *Manager) Stop(ctx context.Context, id platform.ID) error {
	return m.failed(ctx, "stop", id, m.stop(ctx, id))
}

func (m *Manager) stop(ctx context.Context, id platform.ID) error {
	j, _, _, missing := m.definition(id)
	if missing != nil && !errors.Is(missing, platform.ErrNotInstalled) {
		return missing
	}
	p, domain, err := m.query(ctx, id)
	if err == nil {
		err = m.refuse(ctx, "stop", id, p, domain)
	}
	if err != nil || p == nil {
		return errors.Join(missing, err)
	}
	if err := m.allowed(id); err != nil {
		return err
	}
	return m.bootOut(ctx, id, domain, j)
}

// Reload runs the service's reload command. This asks the verified process for a reload, waits
// for it and exits with the outcome.
func (m *Manager) Reload(ctx context.Context, id platform.ID) error {
	return m.failed(ctx, "reload", id, m.reload(ctx, id))
}

func (m *Manager) reload(ctx context.Context, id platform.ID) error {
	j, _, _, err := m.definition(id)
	if err != nil {
		return err
	}
	p, domain, err := m.query(ctx, id)
	if err == nil {
		err = m.refuse(ctx, "reload", id, p, domain)
	}
	switch {
	case err != nil:
		return err
	case p.pid() == 0:
		return platform.ErrNotRunning
	case len(j.Holdfast.Reload) == 0:
		return fmt.Errorf("it was installed without a reload command: %w", platform.ErrUnsupported)
	}
	_, err = m.sys.Run(ctx, j.Holdfast.Reload...)
	switch {
	case err == nil:
		return nil
	case code(err) == platform.ExitNotPermitted:
		return fmt.Errorf("%w: %w", platform.ErrPermission, err)
	case m.own(id, j, p.pid()).Reloads.LastError != "":
		return fmt.Errorf("%w: %w", platform.ErrRejected, err)
	}
	return err
}

// bootOut boots the service out, and returns when launchd no longer knows it.
func (m *Manager) bootOut(ctx context.Context, id platform.ID, domain string, j job) error {
	limit := time.Duration(cmp.Or(j.ExitTimeOut, int(platform.Defaults().StopTimeout/time.Second)))*time.Second + platform.StopMargin
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not gone after %v: %w", limit, platform.ErrTimeout))
	defer cancel()
	t := target(domain, id)
	_, err := m.sys.Run(ctx, "launchctl", "bootout", t)
	if err != nil && !isCode(err, codeNoProcess, codeNoService, codeInProgress, codeAlready, codeIO) {
		return explain(err, t, "")
	}
	for {
		p, _, err := m.query(ctx, id)
		if err != nil || p == nil {
			return err
		}
		if err := room.Pause(ctx, queryEvery); err != nil {
			return err
		}
	}
}

// bootstrap loads the service. It succeeds if somebody else loads it meanwhile.
func (m *Manager) bootstrap(ctx context.Context, id platform.ID, file string) error {
	domain := m.here(ctx, id)
	begun := time.Now()
	for {
		_, err := m.sys.Run(ctx, "launchctl", "bootstrap", domain, file)
		if err == nil {
			return nil
		}
		err = explain(err, target(domain, id), file)
		if !isCode(err, codeIO, codeExists, codeInProgress, codeAlready) {
			return err
		}
		if p, _, e := m.query(ctx, id); e == nil && p != nil && !p.leaving() {
			return nil
		}
		if err := m.enabled(ctx, domain, id); err != nil { // some systems report this by EIO, too
			return err
		}
		if time.Since(begun) >= tryFor {
			return err
		}
		if err := room.Pause(ctx, tryEvery); err != nil {
			return err
		}
	}
}

// A sign shows that a start makes progress.
type sign struct {
	pid   int
	phase platform.Phase
	text  string
}

// awaitReady waits until the state file of the running process says that it is ready. Any
// change there is progress, and restarts the timeout. If the process ends, the start has
// failed, even if launchd will try again.
func (m *Manager) awaitReady(ctx context.Context, id platform.ID, j job, runs int) error {
	limit := time.Duration(cmp.Or(j.Holdfast.StartTimeout, int(platform.Defaults().StartTimeout/time.Second))) * time.Second
	begun, last := time.Now(), sign{}
	kick := begun.Add(patience)
	for {
		p, domain, err := m.query(ctx, id)
		switch {
		case err != nil:
			return err
		case p == nil:
			return errors.New("it was unloaded before it was ready")
		case p.pid() == 0 && p.exit() != nil, p.number("runs") > runs:
			return m.ended(id, p, j)
		}
		s := m.own(id, j, p.pid())
		if s.Ready() {
			return nil
		}
		if p.pid() == 0 && p.number("runs") == 0 && time.Now().After(kick) {
			// Ignore the result: the next query shows what happened. 37 means that it runs by now.
			_, _ = m.sys.Run(ctx, "launchctl", "kickstart", target(domain, id))
			kick = time.Now().Add(patience)
		}
		if now := (sign{s.Process.PID, s.Phase, s.StatusText}); now != last {
			begun, last = time.Now(), now
		}
		if time.Since(begun) > limit {
			return fmt.Errorf("not ready after %v: %w, and launchd continues; %s", limit, platform.ErrTimeout, m.see(id))
		}
		if err := room.Pause(ctx, queryEvery); err != nil {
			return fmt.Errorf("launchd continues: %w", err)
		}
	}
}

// ended returns the error for a service that ended before it was ready.
func (m *Manager) ended(id platform.ID, p printed, j job) error {
	how, code, state := "it ended", 0, p["job state"]
	switch e := p.exit(); {
	case e == nil:
	case state == "spawn failed":
		how = "launchd cannot execute " + j.program() + ", or not write to " + j.StandardErrorPath + " as its user"
	case e.Signal != "":
		how = e.Words()
	case e.Clean && j.KeepAlive != nil:
		how = "it ended, and launchd does not try again"
	default:
		how, code = e.Words(), platform.ExitClass(e.Code)
	}
	return &platform.FailedError{How: how, Code: code, Log: m.Logs(id, 20, false)}
}

func (m *Manager) see(id platform.ID) string {
	return "see: " + strings.Join(m.Logs(id, 20, false), " ")
}

// failed adds operation and object to an error.
func (m *Manager) failed(ctx context.Context, verb string, id platform.ID, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) && !errors.Is(err, platform.ErrTimeout) {
		err = fmt.Errorf("%w: %w", platform.ErrTimeout, err)
	}
	return fmt.Errorf("%s %q: %w", verb, id.String(), err)
}

// enabled refuses to start a service that somebody has disabled, because launchd would not
// start it. It is called before anything is stopped: a disabled service that runs must not be
// stopped in vain.
func (m *Manager) enabled(ctx context.Context, domain string, id platform.ID) error {
	if !m.disabled(ctx, domain, id) {
		return nil
	}
	return fmt.Errorf("it was disabled: %w: launchctl enable %s, or install it again", platform.ErrPermission, target(domain, id))
}
