package bed

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrNotBuilt means that the root of a known kind has not been built on this machine.
var ErrNotBuilt = errors.New("root not built: run `sudo make beds` (scripts/beds.sh build)")

// A Kind is a kind of machine that can be booted.
type Kind struct {
	Name    string // of the root: "systemd257"
	Manager string // holdfast's name for it: "systemd", "sysv", "openrc" or "scm"
	Version string // of the init, if it is part of the contract: "257"; empty for sysvinit
	Root    string // directory of the cached root, which must not be written to

	// Shown are absolute paths of files and directories of the host that the bed shows
	// read-only at the same place.
	Shown []string
}

// Known returns all kinds, built or not, in a fixed order.
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

// Kinds returns the kinds whose root is built on this machine. There are none on systems other
// than Linux.
func Kinds() []Kind {
	var built []Kind
	for _, kind := range Known() {
		if kind.Built() {
			built = append(built, kind)
		}
	}
	return built
}

// Find returns the kind of that name. The error is [ErrNotBuilt] if its root is missing, and
// the Kind is valid nevertheless. An unknown name is another error.
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

// Built reports whether the root can be booted. scripts/beds.sh puts root and recipe in place
// atomically, so a half-built root never looks built. Only the script knows whether the recipe
// is the newest: see `beds.sh list`.
func (k Kind) Built() bool {
	if !supported {
		return false
	}
	_, err := os.Stat(filepath.Join(filepath.Dir(k.Root), "recipe"))
	return err == nil
}

// Dir returns the directory of the cached roots: $BEDS_DIR, or holdfast-beds in the user's
// cache directory. scripts/beds.sh follows the same rule.
func Dir() string {
	if dir := os.Getenv("BEDS_DIR"); dir != "" {
		return dir
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = filepath.Join(string(filepath.Separator), "root", ".cache") // like the script without a HOME
	}
	return filepath.Join(cache, "holdfast-beds")
}
