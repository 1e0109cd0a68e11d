package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service"
)

// A target is the service that a command is about, with its manager.
type target struct {
	machine
	cfg       service.Config // loaded
	id        platform.ID
	dirs      service.Dirs
	manager   platform.Manager // nil: there is none, or --manager none
	noManager error            // why there is none
	program   string           // the program that will run; empty: it does not matter
	badFile   error            // why the configuration file was left out
	named     string           // the file that was left out

	manifest    state.Manifest      // record of its installation; zero: there is none
	badManifest error               // why the manifest was left out
	made        state.Account       // accounts that this install makes
	orphan      state.Account       // accounts in the record of an installation that no longer exists
	notStarted  error               // why the service does not run again after a rollback
	fresh       []string            // directories of the service that did not exist before an install
	usual       string              // where its configuration file would be by default
	copies      []state.Copied      // copies that its installs have made
	laid        state.Laid          // the configuration file that its installs have written, or that this one will write
	defaultFile defaultFile         // what this install does about that file
	source      string              // source of the copy that this install makes
	copied      string              // path of that copy
	host        map[string][]string // flags of the host that are part of the installation
	passedOver  string              // the default file here, which a plan for another machine ignores
	present     bool                // the service was installed before this install
	silent      time.Time           // when the manager last gave no answer; zero: it always did
	// otherManager is another manager that has it installed on this machine; empty: none has.
	otherManager string
	wroteRecord  bool // this install has written its record
}

// target finds out which manager has the service and which flags its installation keeps, and
// loads the configuration.
func (a *app) target(cmd *cobra.Command) (*target, error) {
	done := looking(cmd)
	defer done()
	ctx := cmd.Context()
	t := &target{machine: a.machine}
	var err error
	if a.manager == "none" {
		t.noManager = fmt.Errorf("%w: --manager none", platform.ErrNoManager)
	} else if t.manager, err = a.Manager(a.manager); errors.Is(err, platform.ErrNoManager) {
		t.noManager = err
	} else if errors.Is(err, platform.ErrUnsupported) {
		return nil, usage("--manager %q is not one of auto, none, %s", a.manager, a.managers())
	} else if err != nil {
		return nil, err
	}
	scope, err := a.chooseScope(ctx, t)
	if err != nil {
		return nil, err
	}
	t.id = a.cfg.ID(scope)
	if err := a.recall(cmd, t); err != nil {
		return nil, err
	}
	t.host = a.hostFlags(cmd, t.manifest.Host)
	a.cfg.Command = a.mounted(t.host)
	if err := a.findFile(cmd, t, scope); err != nil {
		return nil, err
	}
	a.planDefaultFile(cmd, t)
	load := a.cfg.Load
	if t.defaultFile.anew {
		load = func() (service.Config, error) { return a.cfg.LoadAs(a.cfg.DefaultFile) }
	}
	if t.cfg, err = leavable(ctx, load); err != nil {
		return nil, err
	}
	if t.dirs, err = t.cfg.DirsFor(scope); err != nil {
		return t, err
	}
	return t, t.conceal(ctx)
}

// targetRegardless is target for commands that must also work with a bad configuration file.
// With a bad file one must be able to look at a service, to stop it and to remove it, and the
// running service itself refuses such a file. The values in code apply instead.
func (a *app) targetRegardless(cmd *cobra.Command) (*target, error) {
	t, err := a.target(cmd)
	if err == nil || !errors.Is(err, service.ErrConfig) {
		return t, err
	}
	without := *a
	without.cfg.File, without.fileless = "", true
	t, again := without.target(cmd)
	if again != nil {
		return nil, err
	}
	t.badFile, t.named = err, a.cfg.File
	return t, nil
}

// scopeFlag returns the requested scope, or an empty one if none was requested.
func (a *app) scopeFlag() (platform.Scope, error) {
	switch s := platform.Scope(a.scope); s {
	case platform.ScopeSystem, platform.ScopeUser:
		return s, nil
	case "auto", "":
		return a.cfg.Scope, nil
	}
	return "", usage("--scope %q is not one of auto, system, user", a.scope)
}

// chooseScope returns the requested scope. By default this is the system scope for root. For
// other users it is the user scope, unless only the system scope has the service.
func (a *app) chooseScope(ctx context.Context, t *target) (platform.Scope, error) {
	if s, err := a.scopeFlag(); s != "" || err != nil {
		return s, err
	}
	if _, ok := t.manager.(platform.Renderer); ok { // containers belong to no user
		return platform.ScopeSystem, nil
	}
	if t.manager != nil && t.manager.Name() == "scm" { // a plan for Windows, made elsewhere: Windows has no other scope
		return platform.ScopeSystem, nil
	}
	own := a.Scope()
	if own == platform.ScopeSystem || t.manager == nil {
		return own, nil
	}
	installed := func(s platform.Scope) bool {
		st, err := t.query(ctx, a.cfg.ID(s))
		return err == nil && st.Installed
	}
	if !installed(platform.ScopeUser) && installed(platform.ScopeSystem) {
		return platform.ScopeSystem, nil
	}
	return platform.ScopeUser, nil
}

// needManager returns the manager, or an error for commands that make no sense without one.
func (t *target) needManager() (platform.Manager, error) {
	if t.manager == nil {
		return nil, fmt.Errorf("%w: without one only `run`, `status`, `stop`, `reload`, `check` and `plan --manager NAME` work here", t.noManager)
	}
	return t.manager, nil
}

// query asks the manager for the status of id. A manager that did not answer in time is not
// asked again for the same time, because a command asks several times and must end.
func (t *target) query(ctx context.Context, id platform.ID) (platform.Status, error) {
	if since := t.Now().Sub(t.silent); !t.silent.IsZero() && since < queryFor {
		return platform.Status{Manager: t.manager.Name(), Phase: platform.PhaseUnknown}, fmt.Errorf("status %q: %s does not answer: %w", id, t.manager.Name(), platform.ErrTimeout)
	}
	st, err := query(ctx, t.manager, id)
	if errors.Is(err, platform.ErrTimeout) && ctx.Err() == nil {
		t.silent = t.Now()
	}
	return st, err
}

// queryFor limits the time in which a manager must report a status. It may hang.
const queryFor = 20 * time.Second

// query returns what the manager itself knows. If the manager would run this very program to
// find out more, it is not asked for that.
func query(ctx context.Context, m platform.Manager, id platform.ID) (platform.Status, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, queryFor, platform.ErrTimeout)
	defer cancel()
	if i, ok := m.(platform.Inventory); ok {
		return i.Inventory(ctx, id)
	}
	return m.Status(ctx, id)
}

// keeps reports whether the manager runs the process pid, which origin started. A manager that
// watches nothing is assumed to run every process that was started under its name.
func keeps(st platform.Status, pid int, origin string) bool {
	if st.Phase == "" {
		return origin == st.Manager
	}
	return st.PID != 0 && st.PID == pid
}
