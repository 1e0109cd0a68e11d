package native

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"runtime"

	"github.com/holdfast-dev/holdfast/platform"
)

// Dirs are the directories that a service called name has by default.
type Dirs struct{ Runtime, State, Logs, Config string }

// ForRoot are the directories of a service of the machine itself, as its
// manager makes them.
//
// On Linux they are those of file-hierarchy(7), which systemd's
// RuntimeDirectory= and its like mean too. On macOS they are such that a service
// which is not root finds its own again after a reboot: /var/run is emptied at
// each, hier(7), and launchd makes no directories.
func ForRoot(name string) Dirs { return forRoot(runtime.GOOS, name) }

func forRoot(goos, name string) Dirs {
	switch goos {
	case "windows":
		// Not by filepath: it may be for a plan that is made elsewhere.
		base := os.Getenv("ProgramData")
		if base == "" {
			base = `C:\ProgramData`
		}
		base += `\` + name
		return Dirs{base + `\run`, base + `\state`, base + `\log`, base}
	case "darwin":
		return Dirs{"/var/db/" + name + "/run", "/var/db/" + name, "/var/log/" + name, "/etc/" + name}
	case "freebsd":
		return Dirs{"/var/run/" + name, "/var/db/" + name, "/var/log/" + name, "/usr/local/etc/" + name}
	}
	return Dirs{"/run/" + name, "/var/lib/" + name, "/var/log/" + name, "/etc/" + name}
}

// ForUser are the directories of a service of the calling user. On Unix they
// follow the XDG base directory specification; without XDG_RUNTIME_DIR the
// runtime directory is below the state directory, and never in /tmp, where
// others could be there first.
func ForUser(name string) (Dirs, error) { return forUser(runtime.GOOS, name) }

func forUser(goos, name string) (Dirs, error) {
	home, err := os.UserHomeDir()
	if goos != "windows" && goos != "darwin" && filepath.IsAbs(os.Getenv("XDG_STATE_HOME")) && filepath.IsAbs(os.Getenv("XDG_CONFIG_HOME")) {
		err = nil // they stand for all that would be below it
	}
	if err != nil {
		return Dirs{}, fmt.Errorf("directories of %q: %w: set it, or name them by --runtime-dir and --state-dir", name, err)
	}
	switch goos {
	case "windows":
		local, err := os.UserCacheDir() // %LocalAppData%
		if err != nil {
			return Dirs{}, fmt.Errorf("directories of %q: %w", name, err)
		}
		base := filepath.Join(local, name)
		return Dirs{filepath.Join(base, "run"), filepath.Join(base, "state"), filepath.Join(base, "log"), base}, nil
	case "darwin":
		base := path.Join(home, "Library", "Application Support", name) // also in a plan that is made on Windows
		return Dirs{path.Join(base, "run"), base, path.Join(home, "Library", "Logs", name), base}, nil
	}
	state := filepath.Join(xdg("XDG_STATE_HOME", home, ".local", "state"), name)
	d := Dirs{
		Runtime: filepath.Join(state, "run"),
		State:   state,
		Logs:    filepath.Join(state, "log"), // as systemd.exec(5) has it for LogsDirectory=
		Config:  filepath.Join(xdg("XDG_CONFIG_HOME", home, ".config"), name),
	}
	if run := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(run) {
		d.Runtime = filepath.Join(run, name)
	}
	return d, nil
}

// DirsFor are ForRoot's or ForUser's.
func DirsFor(scope platform.Scope, name string) (Dirs, error) {
	if name == "" {
		return Dirs{}, errors.New("directories of a service without a name")
	}
	if scope == platform.ScopeUser {
		return ForUser(name)
	}
	return ForRoot(name), nil
}

// OwnScope is the scope of what this process does if nobody says otherwise: the
// system's for root, the user's for everybody else. On Windows, where there is
// no root, it is the system's.
func OwnScope() platform.Scope {
	if os.Geteuid() > 0 { // -1 on Windows
		return platform.ScopeUser
	}
	return platform.ScopeSystem
}

func xdg(variable string, home string, fallback ...string) string {
	// The specification says that a relative path is to be ignored.
	if dir := os.Getenv(variable); filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(append([]string{home}, fallback...)...)
}
