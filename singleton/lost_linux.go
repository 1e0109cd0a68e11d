package singleton

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// lostHolder looks for a holder whose mutex was removed, perhaps with all other files. Then
// the remaining files do not prove that nobody holds the name.
func lostHolder(o Options) (Holder, bool) {
	if _, err := os.Lstat(o.MutexFile()); !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		return Holder{}, false
	}
	users := []string{"0", strconv.Itoa(os.Geteuid())}
	links := make(map[string]bool)
	for _, path := range []string{o.MutexFile(), o.LockFile(), o.PIDFile()} {
		dir, rest := existing(filepath.Dir(path))
		links[filepath.Join(dir, rest, filepath.Base(path))+" (deleted)"] = true
		if info, err := os.Stat(dir); err == nil {
			if st, ok := info.Sys().(*syscall.Stat_t); ok {
				users = append(users, strconv.Itoa(int(st.Uid)))
			}
		}
	}
	h, found := search(users, links)
	if found {
		h.owner, _ = proc.Owner(h.PID)
	}
	return h, found
}

// existing splits the path of a directory into the part that exists, without links, and the
// rest.
func existing(path string) (dir, rest string) {
	for dir = path; ; dir = filepath.Dir(dir) {
		place, err := filepath.EvalSymlinks(dir)
		if err == nil || dir == filepath.Dir(dir) {
			return place, rest
		}
		rest = filepath.Join(filepath.Base(dir), rest)
	}
}
