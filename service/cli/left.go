package cli

import (
	"os"
	"slices"
)

// left are the places where something of the service's still lies: its state, logs
// and configuration outlive it.
func (t *target) left() []string {
	var left []string
	for _, dir := range []string{t.dirs.State, t.dirs.Logs, t.dirs.Config} {
		if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 && !slices.Contains(left, dir) {
			left = append(left, dir)
		}
	}
	for _, file := range []string{t.cfg.File, t.cfg.Log.File} {
		if file == "" {
			continue
		}
		if _, err := os.Lstat(file); err == nil {
			left = append(left, file)
		}
	}
	return left
}

// purgeHint says what removes the data, unless it was just done.
func purgeHint(purged bool) string {
	if purged {
		return ""
	}
	return " (uninstall --purge removes state and logs)"
}
