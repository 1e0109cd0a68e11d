package native

import (
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// holdfast is the name of the directory of the records of installations.
const holdfast = "holdfast"

// ManifestFile is where the record of the installation of id is (see package
// state): in /var/lib/holdfast on Linux, /var/db/holdfast on macOS and FreeBSD,
// %ProgramData%\holdfast\state on Windows; for a user's service in
// ~/.local/state/holdfast, or what XDG_STATE_HOME says in its place. Nobody but
// the administrator, or that user, writes there: the state directory of a service
// belongs to the service's user. One that is called like that directory cannot be
// installed.
func ManifestFile(id platform.ID) (string, error) {
	name := id.String()
	if name == holdfast {
		return "", fmt.Errorf("%q: %w: holdfast's own records are kept by that name: choose another", name, platform.ErrBadUnit)
	}
	d, err := DirsFor(id.Scope, holdfast)
	return state.ManifestPath(d.State, name), err
}

// TrialFile is where the record of a trial of id is (see package installer/trial): in
// /run/holdfast on Linux, /var/run/holdfast on macOS and FreeBSD, which a reboot
// empties; for a user's service in XDG_RUNTIME_DIR or, without that, in the state
// directory. Nobody but the administrator, or that user, writes there.
func TrialFile(id platform.ID) (string, error) {
	d, err := DirsFor(id.Scope, holdfast)
	if id.Scope != platform.ScopeUser && runtime.GOOS == "darwin" {
		d.Runtime = "/var/run/" + holdfast
	}
	return filepath.Join(d.Runtime, id.String()+".trial.json"), err
}
