package files

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// sameMount reports whether two directories are in the same mount. Device numbers do not show
// bind mounts, but kernels before 5.8 provide nothing else.
func sameMount(a, b int) bool {
	var one, other unix.Statx_t
	if unix.Statx(a, "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &one) != nil || unix.Statx(b, "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &other) != nil {
		return sameDevice(a, b)
	}
	known := one.Mask&other.Mask&unix.STATX_MNT_ID != 0
	return one.Dev_major == other.Dev_major && one.Dev_minor == other.Dev_minor && (!known || one.Mnt_id == other.Mnt_id)
}

// mounted reads proc_pid_mountinfo(5). Its fifth field is the mount point.
func mounted(dir string) string {
	at, err := filepath.EvalSymlinks(filepath.Dir(dir))
	if err != nil {
		return ""
	}
	at = filepath.Join(at, filepath.Base(dir))
	info, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	for line := range bytes.Lines(info) {
		fields := strings.Fields(string(line))
		const where = 4
		if len(fields) <= where {
			continue
		}
		if path := unescaped(fields[where]); path == at || strings.HasPrefix(path, at+"/") {
			return path
		}
	}
	return ""
}

// unescaped decodes a path from a table of mounts, which writes some characters as \040.
func unescaped(path string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(path, `\`)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		const digits = 3
		if n, err := strconv.ParseUint(after[:min(len(after), digits)], 8, 8); err == nil && len(after) >= digits {
			b.WriteByte(byte(n))
			after = after[digits:]
		} else {
			b.WriteByte('\\')
		}
		path = after
	}
}
