package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// written returns the places that still contain something written by the service. Its state
// and logs outlive it.
func (t *target) written() []string {
	var left []string
	for _, dir := range []string{t.dirs.State, t.dirs.Logs} {
		if len(names(dir)) > 0 && !slices.Contains(left, dir) {
			left = append(left, dir)
		}
	}
	if isThere(t.cfg.Log.File) {
		left = append(left, t.cfg.Log.File)
	}
	return left
}

// configurations returns the places of the service's configuration, which somebody else has
// written.
func (t *target) configurations() []string {
	var left []string
	file, dir := t.cfg.File, t.dirs.Config
	all := names(dir)
	mixed := strings.HasPrefix(t.dirs.State+string(filepath.Separator), dir+string(filepath.Separator)) // the state is in the same place
	inside := file != "" && filepath.Dir(file) == dir
	if len(all) > 0 && !mixed && !(inside && len(all) == 1) {
		left = append(left, dir)
		if inside {
			return left
		}
	}
	if isThere(file) {
		left = append(left, file)
	}
	return left
}

func names(dir string) []os.DirEntry {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	return entries
}

func isThere(path string) bool {
	if path == "" {
		return false
	}
	_, err := os.Lstat(path)
	return err == nil
}

// purgeHint says how to remove the data, unless that was just done.
func purgeHint(purged bool) string {
	if purged {
		return ""
	}
	return " (uninstall --purge removes state and logs)"
}
