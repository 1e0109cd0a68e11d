package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service"
)

// told has the flags that an installation keeps until another install changes them. The flags
// that select the installation (--scope, --instance, --manager) are not kept.
var told = [...]string{"config", "user", "program", "copy-to", "runtime-dir", "state-dir", allowWritable}

// recall reads the record of the installation of t. Its flags apply unless the command line
// has the same flags.
func (a *app) recall(cmd *cobra.Command, t *target) error {
	if !a.here() { // the installation here does not matter for another machine
		return nil
	}
	path, err := a.Manifest(t.id)
	if err != nil {
		return nil //nolint:nilerr // a user without a home has installed nothing; an install reports the error
	}
	t.manifest, err = leavable(cmd.Context(), func() (state.Manifest, error) { return state.ReadManifest(path) })
	switch {
	case cmd.Context().Err() != nil:
		return err
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		t.badManifest = err
		return nil //nolint:nilerr // commands that need the record report the error
	}
	if t.manager == nil || t.manifest.Manager == t.manager.Name() {
		t.copies, t.laid = t.manifest.Copies, t.manifest.Config
	}
	if t.manager != nil && (t.manifest.Manager != t.manager.Name() || !t.has(cmd.Context())) {
		if other := t.manifest.Manager; other != t.manager.Name() && a.installed(cmd.Context(), other, t.id) {
			t.otherManager = other
		} else {
			t.orphan = t.manifest.Account
		}
		t.manifest = state.Manifest{} // the record of another manager, or of an installation removed by hand
		return nil
	}
	a.layUnder(cmd, t.manifest.Told)
	return nil
}

// has reports whether the manager has the service. A manager that does not answer is assumed
// to have it.
func (t *target) has(ctx context.Context) bool {
	st, err := t.query(ctx, t.id)
	return err != nil || st.Installed
}

// installed reports whether the manager of that name says that it has the service.
func (a *app) installed(ctx context.Context, manager string, id platform.ID) bool {
	m, err := a.Manager(manager)
	if err != nil {
		return false
	}
	st, err := query(ctx, m, id)
	return err == nil && st.Installed
}

// layUnder gives flags that the command line does not have the values of earlier installs.
func (a *app) layUnder(cmd *cobra.Command, before map[string]string) {
	for name, field := range map[string]*string{"config": &a.cfg.File, "runtime-dir": &a.cfg.RuntimeDir, "state-dir": &a.cfg.StateDir} {
		if value, ok := before[name]; ok && !mentioned(cmd, name) {
			*field = value
		}
	}
	if a.fileless {
		a.cfg.File = ""
	}
	if user, ok := before["user"]; ok && !mentioned(cmd, "user") {
		a.override(func(c *service.Config) { c.User = user })
	}
}

// mentioned reports whether the command line has a flag or its --no- form.
func mentioned(cmd *cobra.Command, name string) bool {
	return cmd.Flags().Changed(name) || cmd.Flags().Changed("no-"+name)
}

// addTakeBack adds the flags that forget flags of earlier installs.
func addTakeBack(cmd *cobra.Command) {
	cmd.Flags().Bool(noHostFlags, false, "drop the flags of the surrounding application that an earlier install recorded")
	for _, name := range told {
		cmd.Flags().Bool("no-"+name, false, "drop the --"+name+" of an earlier install")
	}
}

// checkTakeBack refuses a flag together with its opposite.
func checkTakeBack(cmd *cobra.Command) error {
	for _, name := range told {
		if cmd.Flags().Changed(name) && cmd.Flags().Changed("no-"+name) {
			return usage("--%s and --no-%[1]s: give only one", name)
		}
	}
	return nil
}

// remember returns the flags that the installation of t has after this command, and notes
// which ones it keeps.
func (a *app) remember(cmd *cobra.Command, t *target, f *installFlags) map[string]string {
	now, kept := map[string]string{}, map[string]string{}
	// A new place of the program replaces an old one.
	moved := mentioned(cmd, "program") || mentioned(cmd, "copy-to")
	for _, name := range told {
		value, before := t.manifest.Told[name]
		switch {
		case cmd.Flags().Changed(name):
			now[name] = a.flagValue(cmd, f, name)
		case !before, cmd.Flags().Changed("no-" + name), moved && (name == "program" || name == "copy-to"):
		default:
			now[name], kept[name] = value, value
		}
	}
	f.program, f.copyTo, f.allowWritable = now["program"], now["copy-to"], now[allowWritable] == "true"
	given := a.given()
	if words := wordsOf(given); len(words) > 0 {
		fmt.Fprintf(notes(cmd), "- what is installed includes these flags of %s: %s\n", cmd.Root().Name(), quotedAll(words))
	}
	before := maps.Clone(t.host)
	maps.DeleteFunc(before, func(name string, _ []string) bool { return given[name] != nil })
	if len(kept)+len(before) > 0 {
		var flags, back []string
		for _, name := range slices.Sorted(maps.Keys(kept)) {
			flags = append(flags, "--"+name+valueOf(name, kept[name]))
			back = append(back, "--no-"+name)
		}
		if words := wordsOf(before); len(words) > 0 {
			flags, back = append(flags, quotedAll(words)), append(back, "--"+noHostFlags)
		}
		fmt.Fprintf(notes(cmd), "- as in an earlier install: %s (%s to undo that)\n", strings.Join(flags, " "), strings.Join(back, ", "))
	}
	return now
}

// valueOf returns the value of a flag in the form of the command line.
func valueOf(name, value string) string {
	switch {
	case name != allowWritable:
		return " " + quoted(value)
	case value != "true":
		return "=" + value
	}
	return ""
}

// flagValue returns the value of a flag, independent of the working directory.
func (a *app) flagValue(cmd *cobra.Command, f *installFlags, name string) string {
	switch name {
	case "config":
		return a.cfg.File
	case "runtime-dir":
		return a.cfg.RuntimeDir
	case "state-dir":
		return a.cfg.StateDir
	case "copy-to":
		if abs, err := filepath.Abs(f.copyTo); err == nil {
			return abs
		}
	}
	return cmd.Flags().Lookup(name).Value.String()
}

// record returns the step that records the flags and the installation. It returns none if
// nothing has changed.
func (t *target) record(told map[string]string, changed bool) ([]platform.Step, error) {
	path, err := t.Manifest(t.id)
	if err != nil {
		return nil, err
	}
	before, had := t.manifest, t.manifest.Format > 0
	m := t.next(told, changed)
	if had && reflect.DeepEqual(m, before) {
		return nil, nil
	}
	step, err := state.WriteManifestStep(path, &m)
	t.manifest, t.copies = m, m.Copies
	return []platform.Step{step}, err
}

// next returns the record of an installation with these flags.
func (t *target) next(told map[string]string, changed bool) state.Manifest {
	before := t.manifest
	m := state.Manifest{
		Format: before.Format, Name: t.id.Name, Instance: t.id.Instance, Scope: t.id.Scope, Manager: t.manager.Name(),
		Told: told, Host: t.host, Program: t.program, Settings: t.cfg.Settings(), Copies: t.remembered(t.copied), Account: t.madeBy(), Config: t.laid, Changed: before.Changed,
	}
	if _, flag := told["runtime-dir"]; !flag {
		m.RuntimeDir = t.cfg.RuntimeDir
	}
	if _, flag := told["state-dir"]; !flag {
		m.StateDir = t.cfg.StateDir
	}
	if changed || before.Format == 0 {
		m.Changed = t.Now().Round(time.Microsecond).UTC()
	}
	return m
}

// forget returns the step that removes the record of a removed installation.
func (t *target) forget() []platform.Step {
	path, err := t.Manifest(t.id)
	if err != nil || t.otherManager != "" {
		return nil // there is no record, or none of this installation
	}
	if m, err := state.ReadManifest(path); err == nil && t.manager != nil && m.Manager != t.manager.Name() {
		return nil // the record of another manager, whose uninstall removes it
	}
	if _, err := t.System.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return []platform.Step{state.RemoveManifestStep(path)}
}

// purgesItsOwn refuses to purge a directory that a flag names and that is not the
// installation's.
func (t *target) purgesItsOwn(cmd *cobra.Command) error {
	if t.manifest.Format == 0 {
		return nil
	}
	for name, dir := range map[string]string{"runtime-dir": t.cfg.RuntimeDir, "state-dir": t.cfg.StateDir} {
		if cmd.Flags().Changed(name) && dir != t.manifest.Told[name] {
			return fmt.Errorf("purge %q: it was not installed with --%s %s: leave that out, or use --purge-foreign as well", t.id, name, dir)
		}
	}
	return nil
}
