//go:build unix

package cli

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// exposed says who else could have changed the file at path, or redirected path to another
// file. It is empty if only root, this user and the person behind this process could. Write
// access for this user's own group is accepted, and so is group write access to that person's
// files.
func exposed(path string) string {
	behind := personBehind()
	check := func(name string, info fs.FileInfo) string {
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return ""
		}
		mode := info.Mode().Perm()
		switch {
		case st.Uid != 0 && int(st.Uid) != os.Geteuid() && int(st.Uid) != behind:
			return fmt.Sprintf("%s belongs to another user (%d)", name, st.Uid)
		case mode&0o002 != 0, mode&0o020 != 0 && st.Gid != 0 && int(st.Gid) != os.Getegid() && int(st.Uid) != behind:
			return fmt.Sprintf("others can write to %s (mode %04o)", name, mode)
		}
		return ""
	}
	reason := ""
	if !walk(path, func(dir, name string) bool {
		info, err := os.Stat(dir)
		if err != nil {
			reason = err.Error()
			return false
		}
		reason = check(dir, info)
		if entry, err := os.Lstat(filepath.Join(dir, name)); err == nil && reason != "" && info.Mode()&fs.ModeSticky != 0 {
			if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid == 0 && entry.Mode()&fs.ModeSymlink == 0 {
				reason = check(filepath.Join(dir, name), entry) // in such a directory, only its owner can replace an entry
			}
		}
		return reason == ""
	}) {
		reason = "its links lead to no file"
	}
	if reason != "" {
		return reason
	}
	info, err := os.Stat(path)
	if err != nil {
		return err.Error()
	}
	return check(path, info)
}

// personBehind returns the user who became root to run this process, as far as sudo and pkexec
// say. It is -1 if nobody did.
func personBehind() int {
	if os.Geteuid() == 0 {
		for _, name := range []string{"SUDO_UID", "PKEXEC_UID"} {
			if uid, err := strconv.Atoi(os.Getenv(name)); err == nil && uid > 0 {
				return uid
			}
		}
	}
	return -1
}
