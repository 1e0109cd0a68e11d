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
	"github.com/holdfast-dev/holdfast/platform/internal/room"
	"github.com/holdfast-dev/holdfast/platform/internal/shell"
)

// Script is a script under construction, with what cannot be said in it. One
// goroutine uses it.
type Script struct {
	Unit platform.Unit // with its defaults
	room.Refusals

	dialect Dialect
}

// Script begins the script of u, and refuses what no script can honour.
func (d Dialect) Script(u platform.Unit) *Script {
	s := &Script{Unit: u.WithDefaults(), dialect: d}
	s.check()
	return s
}

// Render fills the dialect's template. places are the dialect's own and their
// texts, one after the other; every template may have these:
//
//	@MARK@         comment that makes the script ours; has to be its second line
//	@DIRECTORIES@  names of the service's directories, as variables
//	@DIRECTORY@    shell function "directory NAME MODE", which makes one
//	@MAKE@         calls of it, for a function that returns
//	@ENVIRONMENT@  the unit's variables, for a subshell
//	@STATUS@ @CHECK@ @STOP@ @RELOAD@  commands of the program
//	@NOTINORDER@   exit code of @STOP@ when it is gone, but had to be forced
//	@OUTPUT@       file with what the service prints
//
// The error wraps platform.ErrBadUnit and names every field that was refused.
func (s *Script) Render(places ...string) ([]byte, error) {
	u := s.Unit
	text := strings.NewReplacer(append(places,
		"@MARK@", mark+": the next install or uninstall replaces this file.",
		"@DIRECTORIES@", s.variables(),
		"@DIRECTORY@", s.makeDirectory(),
		"@MAKE@", s.makeDirectories(),
		"@ENVIRONMENT@", s.environment(),
		"@STATUS@", shell.Words(u.Commands.Status),
		"@CHECK@", shell.Words(u.Commands.Check),
		"@NOTINORDER@", strconv.Itoa(platform.ExitNotInOrder),
		"@STOP@", shell.Words(u.Commands.Stop),
		"@RELOAD@", shell.Words(u.Reload),
		"@OUTPUT@", shell.Quote(Output(u.ID)),
	)...).Replace(s.dialect.Template)
	if err := s.Err(s.dialect.Kind, u.ID); err != nil {
		return nil, err
	}
	return []byte(text), nil
}

// Await is the command that waits until the service is ready.
func (s *Script) Await() []string {
	return append(slices.Clone(s.Unit.Commands.Await), "--starter", s.dialect.Manager)
}

// Description is one line for people.
func (s *Script) Description() string {
	text := s.Unit.Description
	if err := shell.CheckLine(text); err != nil {
		s.Refuse("description", "%q: %w", text, err)
	}
	return text
}

func (s *Script) environment() string {
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(s.Unit.Env)) {
		value := s.Unit.Env[name]
		if err := errors.Join(both(shell.CheckVariable, s.dialect.CheckVariable, name), shell.CheckWord(value)); err != nil {
			s.Refuse("env", "%q: %w", name, err) // not the value: it may be a secret
			continue
		}
		if name == "PATH" {
			continue // is in Spawn
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
