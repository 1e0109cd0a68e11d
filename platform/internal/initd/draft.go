package initd

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/shell"
)

// Draft is a script in the making. It collects what is wrong with its unit, so
// that a person learns of everything at once. One goroutine uses it.
type Draft struct {
	Unit platform.Unit

	dialect Dialect
	errs    []error
}

// Draft begins the script of u, and notes what no script can honour.
func (d Dialect) Draft(u platform.Unit) *Draft {
	draft := &Draft{Unit: u, dialect: d}
	draft.check()
	return draft
}

// Refuse notes that a field of the unit cannot be honoured, and why.
func (d *Draft) Refuse(field, format string, args ...any) {
	d.errs = append(d.errs, fmt.Errorf("%s %w: %w", field, fmt.Errorf(format, args...), platform.ErrBadUnit))
}

// Render fills the dialect's template. own are the dialect's own places and
// their texts, one after the other; every template may have these:
//
//	@MARK@         comment that makes the script ours; has to be its second line
//	@DIRECTORIES@  names of the service's directories, as variables
//	@DIRECTORY@    shell function "directory NAME MODE", which makes one
//	@MAKE@         calls of it, for a function that returns
//	@ENVIRONMENT@  the unit's variables, for a subshell
//	@STATUS@ @CHECK@ @STOP@ @RELOAD@  commands of the program
//	@OUTPUT@       file with what the service prints
//
// The error wraps platform.ErrBadUnit and names every field that was refused.
func (d *Draft) Render(own ...string) ([]byte, error) {
	u := d.Unit
	text := strings.NewReplacer(append(own,
		"@MARK@", mark+": the next install or uninstall replaces this file.",
		"@DIRECTORIES@", d.variables(),
		"@DIRECTORY@", d.makeDirectory(),
		"@MAKE@", d.makeDirectories(),
		"@ENVIRONMENT@", d.environment(),
		"@STATUS@", shell.Words(u.Own.Status),
		"@CHECK@", shell.Words(u.Own.Check),
		"@STOP@", shell.Words(u.Own.Stop),
		"@RELOAD@", shell.Words(u.Reload),
		"@OUTPUT@", shell.Quote(Output(u.ID)),
	)...).Replace(d.dialect.Template)
	if len(d.errs) > 0 {
		return nil, fmt.Errorf("%s %q: %w", d.dialect.Kind, u.ID.String(), errors.Join(d.errs...))
	}
	return []byte(text), nil
}

// Await is the command that waits until the service is ready.
func (d *Draft) Await() []string {
	return append(slices.Clone(d.Unit.Own.Await), "--starter", d.dialect.Manager)
}

// Spawn is the command that becomes the service, without what it is to run.
func (d *Draft) Spawn() []string {
	return append(slices.Clone(d.Unit.Own.Spawn), "--starter", d.dialect.Manager, "--output", Output(d.Unit.ID))
}

// Description is one line for people, whatever the unit has.
func (d *Draft) Description() string {
	text := cmp.Or(d.Unit.Description, d.Unit.DisplayName, d.Unit.ID.String())
	if err := shell.CheckLine(text); err != nil {
		d.Refuse("description", "%q: %w", text, err)
	}
	return text
}

func (d *Draft) environment() string {
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(d.Unit.Env)) {
		value := d.Unit.Env[name]
		if err := errors.Join(both(shell.CheckVariable, d.dialect.CheckVariable, name), shell.CheckWord(value)); err != nil {
			d.Refuse("env", "%q: %w", name, err) // not the value: it may be a secret
			continue
		}
		if name == "PATH" {
			continue // is in Own.Spawn
		}
		fmt.Fprintf(&lines, "\t\t%s=%s\n\t\texport %s\n", name, shell.Quote(value), name)
	}
	return lines.String()
}

// user owns the service's directories.
func user(u platform.Unit) string { return cmp.Or(u.User, "root") }

// owner is for chown(1): a group that is not named is the user's own, but for a
// number, of which chown does not ask who that is.
func owner(u platform.Unit) string {
	if _, err := strconv.Atoi(u.User); err == nil && u.Group == "" {
		return u.User
	}
	return user(u) + ":" + u.Group
}
