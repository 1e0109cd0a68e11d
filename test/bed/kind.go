package bed

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrNotBuilt says that the root of a known kind is not on this machine yet.
var ErrNotBuilt = errors.New("root not built: run `sudo make beds` (scripts/beds.sh build)")

// Kind is one sort of machine that can be booted.
type Kind struct {
	Name    string // of the root: "systemd257"
	Manager string // as holdfast names it: "systemd", "sysv", "openrc" or "scm"
	Version string // of the init, as far as it is part of the contract: "257"; empty for sysvinit
	Root    string // directory of the cached root; nothing may write to it

	// Shown are files and directories of the host that the bed shows at the same place, for reading only. Absolute paths;
	// none by default.
	Shown []string
}

// Known returns every kind there is, built here or not, in a fixed order.
func Known() []Kind {
	dir := Dir()
	root := func(name string) string { return filepath.Join(dir, name, "root") }
	return []Kind{
		{Name: "systemd257", Manager: "systemd", Version: "257", Root: root("systemd257")},
		{Name: "systemd252", Manager: "systemd", Version: "252", Root: root("systemd252")},
		{Name: "sysvinit", Manager: "sysv", Root: root("sysvinit")},
		{Name: "openrc", Manager: "openrc", Version: "0.56", Root: root("openrc")},
		{Name: "wine", Manager: "scm", Version: "10", Root: root("wine")},
	}
}

// Kinds returns the kinds whose root is built on this machine; none on an OS other than Linux.
func Kinds() []Kind {
	var built []Kind
	for _, kind := range Known() {
		if kind.Built() {
			built = append(built, kind)
		}
	}
	return built
}

// Find returns the kind of that name. The error is [ErrNotBuilt] when its root is missing (the Kind is filled in all
// the same), and another one when there is no such kind.
func Find(name string) (Kind, error) {
	for _, kind := range Known() {
		if kind.Name != name {
			continue
		}
		if !kind.Built() {
			return kind, fmt.Errorf("bed %s: %w", name, ErrNotBuilt)
		}
		return kind, nil
	}
	return Kind{}, fmt.Errorf("bed %s: no such kind", name)
}

// Built reports whether the root can be booted. scripts/beds.sh puts root and recipe in place in one step, so a root that is
// half built never looks built. Whether the recipe is the newest only the script knows: `beds.sh list` tells.
func (k Kind) Built() bool {
	if !supported {
		return false
	}
	_, err := os.Stat(filepath.Join(filepath.Dir(k.Root), "recipe"))
	return err == nil
}

// Dir returns the directory of the cached roots: $BEDS_DIR, or holdfast-beds in the user's cache directory. It is the
// rule of scripts/beds.sh too.
func Dir() string {
	if dir := os.Getenv("BEDS_DIR"); dir != "" {
		return dir
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = filepath.Join(string(filepath.Separator), "root", ".cache") // as the script does without a HOME
	}
	return filepath.Join(cache, "holdfast-beds")
}
