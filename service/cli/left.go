package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// written are the places where something that the service has written still lies: its
// state and logs outlive it.
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

// configurations are the places of its configuration, which somebody else has written.
func (t *target) configurations() []string {
	var left []string
	file, dir := t.cfg.File, t.dirs.Config
	all := names(dir)
	mixed := strings.HasPrefix(t.dirs.State+string(filepath.Separator), dir+string(filepath.Separator)) // where it has its state in the same place
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

// purgeHint says what removes the data, unless it was just done.
func purgeHint(purged bool) string {
	if purged {
		return ""
	}
	return " (uninstall --purge removes state and logs)"
}
