package launchd

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// checkID refuses an id that cannot be a label.
func checkID(id platform.ID) error {
	err := room.CheckNames(id)
	if strings.HasPrefix(strings.ToLower(id.Name), "com.apple.") {
		err = errors.Join(err, fmt.Errorf("name %q: labels that begin with com.apple. are Apple's: %w", id.Name, platform.ErrBadUnit))
	}
	return err
}

// label returns the name of the job, "name" or "name@instance". Homebrew's labels have had an
// at sign for years (homebrew.mxcl.postgresql@14).
func label(id platform.ID) string { return id.String() }

const daemons = "/Library/LaunchDaemons"

// file returns the path of the property list of id. launchd.plist(5) requires its name to be
// that of the label.
func (m *Manager) file(id platform.ID) (string, error) {
	if err := checkID(id); err != nil {
		return "", err
	}
	if id.Scope == platform.ScopeSystem {
		return path.Join(daemons, label(id)+".plist"), nil
	}
	if !path.IsAbs(m.o.Home) {
		return "", fmt.Errorf("the user's home directory is unknown (HOME): %w", platform.ErrBadUnit)
	}
	return path.Join(m.o.Home, "Library/LaunchAgents", label(id)+".plist"), nil
}

func logFile(logs string, id platform.ID) string { return path.Join(logs, id.String()+".log") }

// domains returns the domains in which id can be loaded, the usual one first.
func (m *Manager) domains(id platform.ID) []string {
	if id.Scope == platform.ScopeSystem {
		return []string{"system"}
	}
	uid := strconv.Itoa(m.o.UID)
	return []string{"gui/" + uid, "user/" + uid}
}

// target returns a service target of launchctl(1).
func target(domain string, id platform.ID) string { return domain + "/" + label(id) }
