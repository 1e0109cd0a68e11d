package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// remembered returns the copies that an uninstall will know of: those that installs have made,
// including this one. If the same file was already there, and no install had made it, it
// belongs to somebody else.
func (t *target) remembered(path string) []state.Copied {
	copies := slices.DeleteFunc(slices.Clone(t.copies), func(c state.Copied) bool { return c.Path == path })
	if path == "" {
		return copies
	}
	sum, err := t.digest(t.source)
	if err != nil { // the copy step will report it
		return copies
	}
	ours := len(copies) < len(t.copies) || slices.ContainsFunc(t.others(), func(m state.Manifest) bool { return copiedBy(m, path) })
	if there, err := t.digest(path); !ours && err == nil && there == sum {
		return copies
	}
	return append(copies, state.Copied{Path: path, SHA256: sum})
}

func (t *target) digest(path string) (string, error) {
	content, err := t.System.ReadFile(path)
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:]), err
}

func copiedBy(m state.Manifest, path string) bool {
	return slices.ContainsFunc(m.Copies, func(c state.Copied) bool { return c.Path == path })
}

// others returns the readable records of all other installations on this machine.
func (t *target) others() (all []state.Manifest) {
	own, err := t.Manifest(t.id)
	if err != nil {
		return nil
	}
	for _, scope := range []platform.Scope{platform.ScopeSystem, platform.ScopeUser} {
		path, err := t.Manifest(platform.ID{Name: t.id.Name, Scope: scope})
		if err != nil {
			continue
		}
		found, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*.json")) // our patterns are valid
		for _, path := range found {
			if m, err := state.ReadManifest(path); err == nil && path != own {
				all = append(all, m)
			}
		}
	}
	return all
}

// uncopy removes the copies that installs have made. A copy stays if it was changed, if
// another service uses it, or if it cannot be removed: on Windows it may be this very program.
func (t *target) uncopy(w io.Writer) {
	for _, c := range t.copies {
		if sum, err := t.digest(c.Path); err != nil || sum != c.SHA256 || t.usedBy(c.Path) != "" {
			continue
		}
		if err := t.System.Remove(c.Path); err == nil {
			fmt.Fprintf(w, "- the copy of the program that install made: %s\n", c.Path)
		}
	}
}

// usedBy names another service that uses the program at path. It is empty if there is none.
func (t *target) usedBy(path string) string {
	for _, m := range t.others() {
		if m.Program == path || copiedBy(m, path) {
			id := platform.ID{Name: m.Name, Instance: m.Instance}
			return id.String()
		}
	}
	return ""
}

// keptCopies returns a line for each copy that remains in the end, with the reason.
func (t *target) keptCopies() (lines []string) {
	for _, c := range t.copies {
		why := "it could not be removed"
		switch sum, err := t.digest(c.Path); {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			why = err.Error()
		case sum != c.SHA256:
			why = "it is not the copy that install made"
		case t.usedBy(c.Path) != "":
			why = t.usedBy(c.Path) + " runs it, too"
		}
		lines = append(lines, fmt.Sprintf("%s (%s)", c.Path, why))
	}
	return lines
}
