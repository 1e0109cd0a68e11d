package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/singleton"
)

// theProgram returns the path of a program with the links in its directories resolved. An
// upgrade replaces the entry at this path.
func theProgram(path string) string {
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(dir, filepath.Base(path))
	}
	return path
}

// programKey names what exists once per program, whatever services use it: the record of its
// versions, and the upgrade lock.
func (t *target) programKey() string {
	program := theProgram(t.manifest.Program)
	sum := sha256.Sum256([]byte(program))
	const short, most = 4, 60
	name := regexp.MustCompile(`[^\w.+-]+`).ReplaceAllString(filepath.Base(program), "_")
	return name[:min(len(name), most)] + "-" + hex.EncodeToString(sum[:short])
}

// upgradeLock returns the lock that the conductor of an upgrade of the program holds.
func (t *target) upgradeLock() (singleton.Options, error) {
	record, err := t.TrialFile(t.id)
	dir := filepath.Dir(record)
	return singleton.Options{Name: t.programKey() + ".upgrade", Dir: dir, StateDir: dir}, err
}

// ledger returns the path of the record of the program's versions. It has its own directory,
// because a service may have the name of any file beside the records of installations.
func (t *target) ledger() (string, error) {
	manifest, err := t.Manifest(t.id)
	return filepath.Join(filepath.Dir(manifest), "upgrades", t.programKey()+".json"), err
}

// sharing returns the other services in that scope, by their records, that use the program of
// t.
func (t *target) sharing(scope platform.Scope) (all []string) {
	path, err := t.Manifest(platform.ID{Name: t.id.Name, Scope: scope})
	if err != nil || t.manifest.Program == "" {
		return nil
	}
	found, err := filepath.Glob(state.ManifestPath(filepath.Dir(path), "*"))
	if err != nil {
		return nil
	}
	program := theProgram(t.manifest.Program)
	for _, path := range found {
		m, err := state.ReadManifest(path)
		id := platform.ID{Name: m.Name, Instance: m.Instance, Scope: m.Scope}
		if err != nil || id.Scope != scope || id == t.id || theProgram(m.Program) != program {
			continue
		}
		all = append(all, id.String())
	}
	slices.Sort(all)
	return all
}

// fellow returns another service of t's program. It is false if that service does not have
// these commands, because a program may have several services in its command tree.
func (a *app) fellow(cmd *cobra.Command, t *target, name string) (*target, bool, error) {
	plain, instance, _ := strings.Cut(name, "@")
	if plain != t.id.Name {
		return nil, false, nil
	}
	of := *a
	of.cfg = a.code // its own configuration, and the flags of its own installation
	of.cfg.Instance, of.cfg.Scope, of.scope = instance, t.id.Scope, ""
	other, err := of.targetRegardless(cmd)
	return other, err == nil, err
}

// outdated returns the services that run the old version until they are restarted. An upgrade
// is tried by one service, and does not touch the others.
func (a *app) outdated(cmd *cobra.Command, t *target) (all []string) {
	ctx := context.WithoutCancel(cmd.Context())
	for _, name := range t.sharing(t.id.Scope) {
		pid := 0
		if o, ours, _ := a.fellow(cmd, t, name); ours {
			if h, err := o.probe(ctx, o.lock()); err == nil && h.Known() {
				pid = h.PID
			}
		} else {
			id := platform.ID{Name: name, Scope: t.id.Scope}
			id.Name, id.Instance, _ = strings.Cut(name, "@")
			if st, err := t.query(ctx, id); err == nil {
				pid = st.PID
			}
		}
		if pid != 0 && !t.Executes(pid, t.program) {
			all = append(all, name)
		}
	}
	return all
}

// checkByAll lets a program check the configurations of all services that will run it. It
// skips those that the confirmed version refuses too.
func (a *app) checkByAll(ctx context.Context, cmd *cobra.Command, t *target, program string) error {
	if err := a.checkBy(ctx, t, program); err != nil {
		return err
	}
	for _, name := range t.sharing(t.id.Scope) {
		o, ours, err := a.fellow(cmd, t, name)
		if ours && o.badFile == nil {
			err = a.checkBy(ctx, o, program)
		}
		if err != nil {
			return fmt.Errorf("that of %s, which shares the program with it: %w", name, err)
		}
	}
	return nil
}
