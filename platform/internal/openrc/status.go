package openrc

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/initd"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// state is the directory in which OpenRC records the services of this boot.
const state = "/run/openrc"

// Exit codes of `rc-service NAME status`, from OpenRC's sh/supervise-daemon.sh. They are not
// those of the LSB: 4 means stopping, and not unknown.
const (
	codeStarted      = 0
	codeStopped      = 3
	codeStopping     = 4
	codeStarting     = 8
	codeInactive     = 16 // its start waits for an external event
	codeCrashed      = 32
	codeUnsupervised = 64
)

func phase(code int) platform.Phase {
	switch code {
	case codeStarted, codeUnsupervised:
		return platform.PhaseReady
	case codeStopped:
		return platform.PhaseStopped
	case codeStopping:
		return platform.PhaseStopping
	case codeStarting, codeInactive:
		return platform.PhaseStarting
	case codeCrashed:
		return platform.PhaseFailed
	}
	return platform.PhaseUnknown
}

// Status combines the answer of rc-service with the files that OpenRC has written in this
// boot. Everybody may read them. About a service under the program's own supervisor OpenRC
// knows nothing more, and Status asks the program.
func (m *Manager) Status(ctx context.Context, id platform.ID) (platform.Status, error) {
	st, _, err := m.query(ctx, id)
	if err != nil || !st.Installed || !m.own(id) {
		return st, err
	}
	r, err := m.machine.Ask(ctx, service(id, "report")...)
	if err != nil {
		st.Phase = platform.PhaseUnknown
		return st, fmt.Errorf("status %q: %w", id.String(), err)
	}
	st.Phase, st.Assumed = platform.PhaseStopped, false
	r.Fill(&st)
	return st, nil
}

var _ platform.Inventory = (*Manager)(nil)

// Inventory is Status, except that it does not ask the program.
func (m *Manager) Inventory(ctx context.Context, id platform.ID) (platform.Status, error) {
	if !m.own(id) {
		return m.Status(ctx, id)
	}
	st := platform.Status{Manager: m.Name()}
	d, ours, err := m.machine.Installed(ctx, id)
	if err != nil {
		return st, fmt.Errorf("status %q: %w", id.String(), err)
	}
	st.Definition, st.Installed, st.Enabled = d, ours, d != nil && len(m.levels(ctx, id)) > 0
	return st, nil
}

// own reports whether the service is run by the supervisor of the program, and not by
// supervise-daemon.
func (m *Manager) own(id platform.ID) bool {
	script, err := m.machine.ReadFile(initd.Path(id))
	return err == nil && strings.Contains(string(script), "\n"+ownMark+"\n")
}

// query is Status by OpenRC alone. It also reports whether OpenRC considers a dead service
// started.
func (m *Manager) query(ctx context.Context, id platform.ID) (st platform.Status, lost bool, err error) {
	st = platform.Status{Manager: m.Name(), Phase: platform.PhaseStopped}
	d, ours, err := m.machine.Installed(ctx, id)
	if err == nil && d == nil {
		return st, false, nil
	}
	code := 0
	if err == nil {
		code, err = m.code(ctx, id)
	}
	if err != nil {
		st.Phase = platform.PhaseUnknown
		return st, false, fmt.Errorf("status %q: %w", id.String(), err)
	}
	st.Definition, st.Installed, st.Enabled = d, ours, len(m.levels(ctx, id)) > 0
	st.Phase = phase(code)
	if code == codeStopped {
		if m.machine.Exists(path.Join(state, "failed", id.String())) {
			st.Phase = platform.PhaseFailed // it ended too often: supervise-daemon gave up
		}
		return st, false, nil
	}
	if m.own(id) {
		st.Assumed = st.Phase == platform.PhaseReady
		return st, code == codeCrashed, nil
	}
	st.PID, st.Restarts = m.value(id, "child_pid"), m.value(id, "start_count")
	dead := st.PID != 0 && !m.machine.Exists(path.Join("/proc", strconv.Itoa(st.PID)))
	if dead {
		st.PID = 0
	}
	switch {
	case code == codeStarted && dead:
		st.Phase = platform.PhaseFailed
		if st.Next = m.next(id); st.Next != nil {
			st.Phase = platform.PhaseStarting // supervise-daemon waits before it restarts it
		}
	case code == codeUnsupervised && dead:
		st.Phase, st.Text = platform.PhaseFailed, "its supervise-daemon is dead, too: nothing restarts it"
	case code == codeUnsupervised:
		st.Text = "its supervise-daemon is gone: nothing would restart it; restart it by hand"
	}
	st.Assumed = st.Phase == platform.PhaseReady // supervise-daemon restarts the process without reporting it
	return st, code == codeCrashed || dead && (code == codeStarted || code == codeUnsupervised), nil
}

// next returns the start for which supervise-daemon waits, according to the flags in its
// script. supervise-daemon does not say when its child ended, or how often.
func (m *Manager) next(id platform.ID) *platform.NextTry {
	script, err := m.machine.ReadFile(initd.Path(id))
	if err != nil {
		return nil
	}
	words := strings.Fields(string(script))
	word := func(flag string) string {
		if i := slices.Index(words, flag); i >= 0 && i+1 < len(words) {
			return words[i+1]
		}
		return ""
	}
	if strings.HasPrefix(word("--restart"), "'"+string(platform.RestartNever)) {
		return nil // supervise-daemon waits nevertheless, and then gives up
	}
	number := func(flag string) int {
		n, _ := strconv.Atoi(word(flag)) // 0 if the flag is missing
		return n
	}
	next := &platform.NextTry{Delay: time.Duration(number("--respawn-delay")) * time.Second}
	if period := number("--respawn-period"); period > 0 {
		next.Max, next.Window = number("--respawn-max"), time.Duration(period)*time.Second
	}
	return next
}

// hangs is the time after which rc-service is asked anew: if openrc-run 0.56 has lost a child,
// it never answers, and the next one nearly always does.
const hangs = 7 * time.Second

func (m *Manager) code(ctx context.Context, id platform.ID) (int, error) {
	first, cancel := context.WithTimeoutCause(ctx, hangs, platform.ErrTimeout)
	_, err := room.Ask(first, m.machine, service(id, "status")...)
	cancel()
	if errors.Is(err, platform.ErrTimeout) && ctx.Err() == nil {
		_, err = room.Ask(ctx, m.machine, service(id, "status")...)
	}
	var command *platform.CommandError
	if errors.As(err, &command) && command.Code > 0 {
		return command.Code, nil
	}
	return 0, err
}

// value returns a number that supervise-daemon has recorded, or 0.
func (m *Manager) value(id platform.ID, name string) int {
	content, err := m.machine.ReadFile(path.Join(state, "options", id.String(), name))
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return 0
	}
	return n
}
