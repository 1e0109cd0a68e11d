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

// Dirs are the default directories of a service.
type Dirs struct{ Runtime, State, Logs, Config string }

// DirsFor returns the default directories of the service with that name.
//
// Those of a system service are the ones that its manager makes. On Linux they follow
// file-hierarchy(7), as do systemd's RuntimeDirectory= and similar settings. On macOS they are
// chosen so that a service which is not root finds its own again after a reboot: each reboot
// empties /var/run (see hier(7)), and launchd does not make directories.
//
// Those of a user service are the calling user's. On Unix they follow the XDG base directory
// specification. Without XDG_RUNTIME_DIR the runtime directory is below the state directory.
// It is never in /tmp, where others could make it first.
func DirsFor(scope platform.Scope, name string) (Dirs, error) {
	if name == "" {
		return Dirs{}, errors.New("directories of a service without a name")
	}
	if scope == platform.ScopeUser {
		return forUser(runtime.GOOS, name)
	}
	return forRoot(runtime.GOOS, name), nil
}

func forRoot(goos, name string) Dirs {
	switch goos {
	case "windows":
		// Not with filepath, because the plan may be made on another system.
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

func forUser(goos, name string) (Dirs, error) {
	home, err := os.UserHomeDir()
	if goos != "windows" && goos != "darwin" && filepath.IsAbs(os.Getenv("XDG_STATE_HOME")) && filepath.IsAbs(os.Getenv("XDG_CONFIG_HOME")) {
		err = nil // the XDG variables replace everything below it
	}
	if err != nil {
		return Dirs{}, fmt.Errorf("directories of %q: %w: set it, or use --runtime-dir and --state-dir", name, err)
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
		base := path.Join(home, "Library", "Application Support", name) // with slashes even if the plan is made on Windows
		return Dirs{path.Join(base, "run"), base, path.Join(home, "Library", "Logs", name), base}, nil
	}
	state := filepath.Join(xdg("XDG_STATE_HOME", home, ".local", "state"), name)
	d := Dirs{
		Runtime: filepath.Join(state, "run"),
		State:   state,
		Logs:    filepath.Join(state, "log"), // like LogsDirectory= in systemd.exec(5)
		Config:  filepath.Join(xdg("XDG_CONFIG_HOME", home, ".config"), name),
	}
	if run := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(run) {
		d.Runtime = filepath.Join(run, name)
	}
	return d, nil
}

// OwnScope returns the default scope for this process: the system's for root, and the user's
// for others. On Windows, which has no root, it is the system's.
func OwnScope() platform.Scope {
	if os.Geteuid() > 0 { // -1 on Windows
		return platform.ScopeUser
	}
	return platform.ScopeSystem
}

func xdg(variable string, home string, fallback ...string) string {
	// According to the specification, relative paths must be ignored.
	if dir := os.Getenv(variable); filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(append([]string{home}, fallback...)...)
}
