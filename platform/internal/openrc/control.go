package openrc

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/initd"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// service returns a command line for rc-service(8).
func service(id platform.ID, action string) []string {
	return []string{"rc-service", "--nocolor", id.String(), action}
}

// Start starts the service and what it needs, and returns when it is ready. The error says
// where its log is. It succeeds if the service runs already. It waits while another start or
// stop is in progress: see inTurn.
func (m *Manager) Start(ctx context.Context, id platform.ID) error {
	return m.inTurn(ctx, "start", id)
}

// Stop asks the service, and what needs it, to stop, kills it if it does not, and returns when
// it has ended. It succeeds if the service does not run. It waits while another start or stop
// is in progress: see inTurn.
func (m *Manager) Stop(ctx context.Context, id platform.ID) error {
	return m.inTurn(ctx, "stop", id)
}

// Restart is Stop, then Start. It does not stop a service whose configuration is invalid. It
// waits while another start or stop is in progress: see inTurn.
func (m *Manager) Restart(ctx context.Context, id platform.ID) error {
	return m.inTurn(ctx, "restart", id)
}

// turnEvery is the time between two checks whether a start or stop is still in progress.
const turnEvery = 200 * time.Millisecond

// inTurn carries out an action that OpenRC refuses while it starts or stops the service. It
// may do so for somebody else, or because the service is in its first moments. inTurn waits
// for the end of such an operation, until ctx ends.
func (m *Manager) inTurn(ctx context.Context, action string, id platform.ID) error {
	for {
		if m.busy(ctx, id) {
			if err := room.Pause(ctx, turnEvery); err != nil {
				return fmt.Errorf("%s %q: it is starting or stopping, and OpenRC waits until that ends, at the latest after start_timeout or stop_timeout: try again then: %w", action, id.String(), err)
			}
			continue
		}
		argv := service(id, action)
		if action == "start" {
			st, lost, err := m.query(ctx, id)
			switch {
			case err != nil:
			case lost: // for OpenRC the service is started
				argv = service(id, "restart")
			case st.Installed && st.Phase == platform.PhaseReady: // a start would block a restart by somebody else
				return nil
			}
		}
		failed := m.run(ctx, action, argv, id)
		switch {
		case failed == nil:
			return nil
		case m.busy(ctx, id): // another operation was faster
			continue
		case m.done(ctx, action, id):
			return nil
		}
		return failed
	}
}

// done reports whether the service has reached the requested state meanwhile.
func (m *Manager) done(ctx context.Context, action string, id platform.ID) bool {
	st, err := m.Status(ctx, id)
	if err != nil || !st.Installed {
		return false
	}
	return action == "start" && st.Phase == platform.PhaseReady || action == "stop" && st.Phase == platform.PhaseStopped
}

// busy reports whether OpenRC is starting or stopping the service. It then holds a lock. The
// state that it records may be that of a process which was killed.
func (m *Manager) busy(ctx context.Context, id platform.ID) bool {
	out, err := room.Ask(ctx, m.machine, "stat", "-c", "%D %i", path.Join(state, "exclusive", id.String()))
	if err != nil {
		return false // the lock file does not exist
	}
	var device, inode uint64
	if _, err := fmt.Sscanf(out, "%x %d", &device, &inode); err != nil {
		return false
	}
	locks, err := m.machine.ReadFile("/proc/locks")
	if err != nil {
		return false
	}
	// 1: FLOCK  ADVISORY  WRITE 4711 00:1a:1234 0 EOF
	file := fmt.Sprintf(" %02x:%02x:%d ", device>>8&0xfff, device&0xff|device>>12&^0xff, inode)
	for line := range strings.Lines(string(locks)) {
		if strings.Contains(line, " FLOCK ") && strings.Contains(line, file) && !strings.Contains(line, "->") { // "->" marks a process that waits for a lock
			return true
		}
	}
	return false
}

// Reload requests a reload, waits for it and returns the program's outcome.
func (m *Manager) Reload(ctx context.Context, id platform.ID) error { return m.act(ctx, "reload", id) }

func (m *Manager) act(ctx context.Context, action string, id platform.ID) error {
	return m.run(ctx, action, service(id, action), id)
}

// run runs argv, a command line of rc-service, for an action.
func (m *Manager) run(ctx context.Context, action string, argv []string, id platform.ID) error {
	return m.machine.Act(ctx, action, id, argv, func(failed *platform.CommandError) error {
		if action != "reload" {
			return nil
		}
		// Every failure has exit code 1. The status afterwards shows the reason.
		now, err := m.Status(ctx, id)
		switch {
		case err != nil:
			return nil //nolint:nilerr // the original failure is reported
		case now.Phase == platform.PhaseReady:
			return initd.Rejected(failed)
		}
		return fmt.Errorf("%w (%s)", platform.ErrNotRunning, now.Phase)
	})
}
