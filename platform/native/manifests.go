package native

import (
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// holdfast is the name of the directory with the records of installations.
const holdfast = "holdfast"

// ManifestFile returns the path of the record of the installation of id (see package state):
// in /var/lib/holdfast on Linux, /var/db/holdfast on macOS and FreeBSD, and
// %ProgramData%\holdfast\state on Windows. For a user's service it is in
// ~/.local/state/holdfast, or below XDG_STATE_HOME. Only the administrator, or that user, can
// write there; the state directory of the service, in contrast, belongs to the service's user.
// A service with the name of this directory cannot be installed.
func ManifestFile(id platform.ID) (string, error) {
	name := id.String()
	if name == holdfast {
		return "", fmt.Errorf("%q: %w: holdfast's own records use that name: choose another", name, platform.ErrBadUnit)
	}
	d, err := DirsFor(id.Scope, holdfast)
	return state.ManifestPath(d.State, name), err
}

// TrialFile returns the path of the record of a trial of id (see package installer/trial): in
// /run/holdfast on Linux and /var/run/holdfast on macOS and FreeBSD, which a reboot empties.
// For a user's service it is in XDG_RUNTIME_DIR or, without that, in the state directory. Only
// the administrator, or that user, can write there.
func TrialFile(id platform.ID) (string, error) {
	d, err := DirsFor(id.Scope, holdfast)
	if id.Scope != platform.ScopeUser && runtime.GOOS == "darwin" {
		d.Runtime = "/var/run/" + holdfast
	}
	return filepath.Join(d.Runtime, id.String()+".trial.json"), err
}
