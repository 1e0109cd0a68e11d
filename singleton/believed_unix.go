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

// mayName refuses a record that names a process of somebody else: a user who
// owns the record could otherwise have root signal any process for him. One that
// root owns may name anybody's, if it lies where root's holder wrote it: in a
// directory of his own that user could give its name, by rename(2) or link(2), to
// another service's.
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

// rootsAlone reports whether nobody but root makes, renames and removes files in dir.
func rootsAlone(dir string) bool {
	info, err := os.Stat(dir)
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Uid == 0 && info.Mode().Perm()&0o022 == 0
}

// place is where the record of o lies, and whose it is; empty if that is not known.
func place(o Options) string {
	info, err := os.Stat(o.StateDir)
	if err != nil {
		return ""
	}
	return files.Inode(info) + "/" + o.Name
}

// image is the file that we execute. Where the system does not say which it is, it
// is the one that has its path now, in the first instants of our life.
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
