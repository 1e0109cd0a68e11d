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

// target is the service that a command is about, where it is kept.
type target struct {
	machine
	cfg       service.Config // loaded
	id        platform.ID
	dirs      service.Dirs
	manager   platform.Manager // nil: there is none, or none is wanted
	noManager error            // why
	program   string           // that will run; empty: not of interest
	badFile   error            // why the configuration file was left out
	named     string           // that file

	manifest    state.Manifest      // of its installation; zero: there is none
	badManifest error               // why it was left out
	made        state.Account       // that this install makes
	orphan      state.Account       // that the record of what is not installed any more has
	notStarted  error               // why what ran before an install or uninstall does not run again after that was taken back
	fresh       []string            // directories of the service that were not there before an install
	usual       string              // where its configuration file would be by default
	copies      []state.Copied      // that its installs have made
	laid        state.Laid          // the configuration file that they have written, and this one will
	defaultFile defaultFile         // what is to be done for that
	source      string              // of the copy that this install makes
	copied      string              // that copy
	host        map[string][]string // the host's flags that are in what is installed
	passedOver  string              // that file, where it is one of another machine than a plan is for
	present     bool                // it was installed before this install
	silent      time.Time           // when the manager last gave no answer; zero: it always did
	// otherManager has it installed on this machine; empty: none but manager, if at all.
	otherManager string
	wroteRecord  bool // this install has written its record
}

// target finds out who keeps the service and what its installation was told, and
// loads the configuration.
func (a *app) target(cmd *cobra.Command) (*target, error) {
	ctx := cmd.Context()
	t := &target{machine: a.machine}
	var err error
	if a.manager == "none" {
		t.noManager = fmt.Errorf("%w: --manager none", platform.ErrNoManager)
	} else if t.manager, err = a.Manager(a.manager); errors.Is(err, platform.ErrNoManager) {
		t.noManager = err
	} else if errors.Is(err, platform.ErrUnsupported) {
		return nil, usage("--manager %q is none of auto, none, %s", a.manager, a.managers())
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

// targetRegardless is the target for commands that must work when the file has
// become bad: a service is to be looked at, stopped and removed all the same,
// and a bad file is for the running service to refuse. The code's values serve.
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

// scopeFlag is the scope that was asked for; empty if none was.
func (a *app) scopeFlag() (platform.Scope, error) {
	switch s := platform.Scope(a.scope); s {
	case platform.ScopeSystem, platform.ScopeUser:
		return s, nil
	case "auto", "":
		return a.cfg.Scope, nil
	}
	return "", usage("--scope %q is none of auto, system, user", a.scope)
}

// chooseScope is the scope that was asked for. Without a word, it is the
// system's for root, and for others the user's, unless only the system has the
// service.
func (a *app) chooseScope(ctx context.Context, t *target) (platform.Scope, error) {
	if s, err := a.scopeFlag(); s != "" || err != nil {
		return s, err
	}
	if t.manager != nil && t.manager.Name() == "scm" { // a plan that is made elsewhere: Windows has no other
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

// needManager is for commands that make no sense without one.
func (t *target) needManager() (platform.Manager, error) {
	if t.manager == nil {
		return nil, fmt.Errorf("%w: without one only `run`, `status`, `stop`, `reload`, `check` and `plan --manager NAME` work here", t.noManager)
	}
	return t.manager, nil
}

// query is where the manager has id. One that did not answer in time is not asked again
// for as long: a command asks more than once, and is to end.
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

// queryFor is how long a manager may take to say where a service stands: it may hang.
const queryFor = 20 * time.Second

// query is what the manager itself knows: one that would have to ask this very
// program for the rest is not asked for it.
func query(ctx context.Context, m platform.Manager, id platform.ID) (platform.Status, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, queryFor, platform.ErrTimeout)
	defer cancel()
	if i, ok := m.(platform.Inventory); ok {
		return i.Inventory(ctx, id)
	}
	return m.Status(ctx, id)
}

// keeps reports whether the manager runs the process pid that started by origin.
// A manager that watches nothing is believed to run what was started by its name.
func keeps(st platform.Status, pid int, origin string) bool {
	if st.Phase == "" {
		return origin == st.Manager
	}
	return st.PID != 0 && st.PID == pid
}
