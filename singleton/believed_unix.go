//go:build unix

package singleton

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// mayName reports whether the owner of the record f may name the process of h. Otherwise a
// user who owns a record could make root signal any process. A record that belongs to root may
// name any process, but only in the place where root's holder wrote it: in a directory of his
// own, a user could give it the name of another service by rename(2) or link(2).
func mayName(f *os.File, h Holder, o Options) bool {
	info, err := f.Stat()
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	if st.Uid == 0 && (h.Place != "" && h.Place == place(o) || rootsAlone(filepath.Dir(o.LockFile()))) {
		return true
	}
	owner, err := proc.Owner(h.PID)
	return st.Uid != 0 && err == nil && owner == strconv.Itoa(int(st.Uid))
}

// rootsAlone reports whether only root can create, rename and remove files in dir.
func rootsAlone(dir string) bool {
	info, err := os.Stat(dir)
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Uid == 0 && info.Mode().Perm()&0o022 == 0
}

// place identifies the directory of o's record and the name; it is empty if that is unknown.
func place(o Options) string {
	info, err := os.Stat(o.StateDir)
	if err != nil {
		return ""
	}
	return files.Inode(info) + "/" + o.Name
}

// image identifies the file that this process executes. If the system does not tell, it is the
// file that has its path now, very early in the life of the process.
func image(self proc.Identity) string {
	info, err := os.Stat("/proc/self/exe")
	if err != nil {
		info, err = os.Stat(self.Exe)
	}
	if err != nil {
		return ""
	}
	return files.Inode(info)
}
