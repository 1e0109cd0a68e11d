package cli

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

// definable returns what of the configuration the manager cannot honour, as an
// install would refuse it. Whether anything else speaks against an install, what is
// installed now for one, is not asked.
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
	if t.id.Scope == platform.ScopeUser && len(platform.UnitErrors(err)) == 0 { // it has no users' services: no matter of the configuration
		return nil
	}
	return t.located(err, true)
}

// wouldBe is the program that an install without --copy-to would name.
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

// located is err, of a plan, with the place in the configuration of each setting
// that the manager cannot honour. Where there is none of these it stays as it is,
// unless it is wanted in pieces.
func (t *target) located(err error, pieces bool) error {
	var errs []error
	found := false
	seen := map[string]bool{} // one argument may be in several commands
	for _, e := range platform.UnitErrors(err) {
		if seen[e.Error()] {
			continue
		}
		seen[e.Error()] = true
		if !slices.ContainsFunc(service.Keys(), func(k service.Key) bool { return k.Name == e.Key }) {
			errs = append(errs, e)
			continue
		}
		found = true
		key := "service." + e.Key
		at := t.cfg.ErrorAt(key, &refusedValue{e, t.manager.Name()})
		if at.Line == 0 && e.Key == "hardening.read_write_paths" && t.cfg.Log.File != "" { // the log's directory is one
			at = t.cfg.ErrorAt("service.log.file", at.Err)
		}
		errs = append(errs, at)
	}
	if len(errs) == 0 || !found && !pieces {
		return err
	}
	return service.BadConfig(errs...)
}

// refusedValue is a UnitError that follows its key.
type refusedValue struct {
	*platform.UnitError
	manager string
}

func (e *refusedValue) Error() string {
	return strings.TrimSpace(e.Err.Error()) + " (" + e.manager + ")"
}

func (e *refusedValue) Unwrap() error { return e.UnitError }
