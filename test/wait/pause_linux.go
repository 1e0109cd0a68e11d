package wait

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
)

// paused reports whether all threads of a process are stopped, as proc(5) shows it, or it has
// ended.
func paused(pid int) bool {
	all, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task", "*", "stat"))
	for _, thread := range all {
		stat, err := os.ReadFile(thread)
		if err != nil {
			continue // it has ended
		}
		if i := bytes.LastIndexByte(stat, ')'); !bytes.ContainsRune([]byte("TZX"), rune(stat[i+2])) {
			return false
		}
	}
	return true
}
