package cli

import (
	"os"
	"path/filepath"
	"strings"
)

// mountOf returns the mount point of the file system of path. It is empty if it is not known.
func mountOf(path string) string {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return ""
	}
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	at := ""
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		point := unescape.Replace(fields[4])
		if len(point) >= len(at) && (path == point || strings.HasPrefix(path, strings.TrimSuffix(point, "/")+"/")) {
			at = point
		}
	}
	return at
}
