package systemd

import (
	"context"
	"strconv"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// Logs returns a command line of journalctl. A negative n means the whole log.
func (m *Manager) Logs(id platform.ID, n int, follow bool) []string {
	return m.FilteredLogs(id, platform.LogFilter{Lines: n, Follow: follow})
}

var (
	_ platform.LogFilterer = (*Manager)(nil)
	_ platform.LogSyncer   = (*Manager)(nil)
)

// SyncLogs lets journald process the output of services that waits for it: systemd can notice the
// end of a process before journald has read its last lines. journalctl(1) requires root for that.
func (m *Manager) SyncLogs(ctx context.Context) error {
	_, err := room.Ask(ctx, m.sys, "journalctl", "--sync")
	return err
}

// FilteredLogs returns a command line of journalctl(1) with the filter.
func (m *Manager) FilteredLogs(id platform.ID, f platform.LogFilter) []string {
	argv := []string{"journalctl"}
	if id.Scope == platform.ScopeUser {
		argv = append(argv, "--user")
	}
	lines := "all"
	if f.Lines >= 0 {
		lines = strconv.Itoa(f.Lines)
	}
	argv = append(argv, "--no-pager", "-u", unit(id), "-n", lines)
	if f.Since != "" {
		argv = append(argv, "--since="+f.Since)
	}
	if f.Priority != "" {
		argv = append(argv, "--priority="+f.Priority)
	}
	if f.JSON {
		argv = append(argv, "--output=json")
	}
	if f.Follow {
		argv = append(argv, "-f")
	}
	return argv
}
