package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/singleton"
)

// reloadManaged lets the manager request the reload from the process pid that it runs. h is
// that process, if it is known.
func (a *app) reloadManaged(cmd *cobra.Command, t *target, h singleton.Holder, pid int) error {
	id := h.Identity
	if !h.Known() {
		id, _ = t.Process(pid)
	}
	read := func() (state.State, error) { return state.Of(t.dirs.StateFile(t.id.String()), id) }
	before, unread := read()
	asked, clock := t.Monotonic()
	begun := t.Now()
	err := a.managed(cmd, t, "reloading", t.manager.Reload)
	if errors.Is(err, platform.ErrTimeout) {
		return t.withoutOutcome(err, begun)
	}
	if !errors.Is(err, platform.ErrRejected) {
		return err
	}
	// A manager only knows that its reload command has failed.
	s, e := read()
	readable := e == nil && unread == nil && clock == nil
	ended := readable && (s.Reloads.LastStart > asked || s.Reloads.Completed != before.Reloads.Completed)
	switch {
	case e == nil && s.Reloads.LastError != "" && (ended || !readable):
		return fmt.Errorf("reload %q: %w", t.id, s.Reloads.Outcome()) // the program's own message
	case ended || h.Known() && !readable:
		return err
	case !h.Known():
		return fmt.Errorf("reload %q: no reload was started: %w: no process is signalled; see %s", t.id, errUnnamed, t.lock().LockFile())
	}
	text := fmt.Sprintf("reload %q: the reload command of %s failed, and there is no sign that a reload was started", t.id, t.manager.Name())
	if logs := t.manager.Logs(t.id, 20, false); len(logs) > 0 {
		text += "; see: " + strings.Join(logs, " ")
	}
	return t.withoutOutcome(errors.New(text), begun)
}

// withoutOutcome returns err, from a reload requested at that time without a known outcome. It
// adds the reason if the service cannot have written the outcome.
func (t *target) withoutOutcome(err error, asked time.Time) error {
	file := t.dirs.StateFile(t.id.String())
	info, gone := os.Lstat(file)
	if dir := filepath.Dir(file); gone == nil && info.ModTime().Before(asked) && t.Full(dir) {
		return fmt.Errorf("%w: no space is left in %s: it cannot write its state file, and may have reloaded (see its log)", err, dir)
	}
	return err
}
