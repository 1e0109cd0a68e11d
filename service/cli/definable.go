package cli

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

// definable returns the settings that the manager cannot honour, as an install would refuse
// them. It ignores all other reasons against an install, such as what is installed now.
func (a *app) definable(ctx context.Context, t *target) error {
	if t.manager == nil {
		return nil
	}
	u, err := t.cfg.Unit(a.wouldBe(t), t.id.Scope)
	if err != nil {
		return err
	}
	u.Adopt = true
	_, err = t.manager.Plan(ctx, u)
	if !errors.Is(err, platform.ErrBadUnit) || errors.Is(err, platform.ErrForeign) {
		return nil
	}
	if t.id.Scope == platform.ScopeUser && len(platform.UnitErrors(err)) == 0 { // the manager has no services of users: this is not about the configuration
		return nil
	}
	return t.located(err, true)
}

// wouldBe returns the program that an install without --copy-to would use.
func (a *app) wouldBe(t *target) string {
	if a.here() {
		if t.manifest.Program != "" {
			return t.manifest.Program
		}
		if program, _, err := t.ownProgram(); err == nil {
			return program
		}
	}
	if t.manager.Name() == "scm" {
		return `C:\Program Files\` + t.id.Name + `\` + t.id.Name + ".exe"
	}
	return "/usr/local/bin/" + t.id.Name
}

// located adds to err, of a plan, the place in the configuration of each setting that the
// manager cannot honour. If there is no such setting, err stays as it is, unless pieces is
// set.
func (t *target) located(err error, pieces bool) error {
	var errs []error
	found := false
	seen := map[string]bool{} // an argument may occur in several commands
	for _, e := range platform.UnitErrors(err) {
		if seen[e.Error()] {
			continue
		}
		seen[e.Error()] = true
		isKey := strings.HasPrefix(e.Key, "socket.") || slices.ContainsFunc(service.Keys(), func(k service.Key) bool { return k.Name == e.Key })
		if !isKey {
			errs = append(errs, e)
			continue
		}
		found = true
		key := "service." + e.Key
		at := t.cfg.ErrorAt(key, &refusedValue{e, t.manager.Name()})
		if at.Line == 0 && e.Key == "hardening.read_write_paths" && t.cfg.Log.File != "" { // the directory of the log is such a path
			at = t.cfg.ErrorAt("service.log.file", at.Err)
		}
		errs = append(errs, at)
	}
	if len(errs) == 0 || !found && !pieces {
		return err
	}
	return service.BadConfig(errs...)
}

// A refusedValue is a UnitError whose text does not repeat the key.
type refusedValue struct {
	*platform.UnitError
	manager string
}

func (e *refusedValue) Error() string {
	return strings.TrimSpace(e.Err.Error()) + " (" + e.manager + ")"
}

func (e *refusedValue) Unwrap() error { return e.UnitError }
