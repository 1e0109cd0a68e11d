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

// A Script is a script under construction, with the refused settings. It must be used by one
// goroutine at a time.
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

// Render fills in the dialect's template. places alternates between the dialect's own
// placeholders and their texts. Every template may also have these:
//
//	@MARK@         comment that marks the script as ours; must be its second line
//	@DIRECTORIES@  names of the service's directories, as variables
//	@DIRECTORY@    shell function "directory NAME MODE", which makes one
//	@MAKE@         calls of that function, for use in a function that returns
//	@ENVIRONMENT@  the unit's variables, for a subshell
//	@STATUS@ @CHECK@ @STOP@ @RELOAD@  commands of the program
//	@NOTINORDER@   exit code of @STOP@ if the service has ended, but by force
//	@OUTPUT@       file with the output of the service
//
// The error wraps platform.ErrBadUnit and names every refused setting.
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

// Await returns the command that waits until the service is ready.
func (s *Script) Await() []string {
	return append(slices.Clone(s.Unit.Commands.Await), "--starter", s.dialect.Manager)
}

// Description returns one line for people.
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
			s.Refuse("env", "%q: %w", name, err) // without the value, which may be a secret
			continue
		}
		if name == "PATH" {
			continue // Spawn passes it
		}
		fmt.Fprintf(&lines, "\t\t%s=%s\n\t\texport %s\n", name, shell.Quote(value), name)
	}
	return lines.String()
}

// user returns the owner of the service's directories.
func user(u platform.Unit) string { return cmp.Or(u.User, "root") }

// owner returns the argument for chown(1). If no group is given, it is the user's own group. A
// numeric user has none, because chown does not look up the user of a number.
func owner(u platform.Unit) string {
	if _, err := strconv.Atoi(u.User); err == nil && u.Group == "" {
		return u.User
	}
	return user(u) + ":" + u.Group
}
