//go:build unix

package cli

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// ownerOf returns the name of the owner of a file, or the number if there is no name.
func ownerOf(info fs.FileInfo) string {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	uid := strconv.FormatUint(uint64(st.Uid), 10)
	if u, err := user.LookupId(uid); err == nil {
		return u.Username
	}
	return uid
}

// unexecutable reports whether nobody can execute the file, not even root.
func unexecutable(info fs.FileInfo) bool {
	return info.Mode().IsRegular() && info.Mode().Perm()&0o111 == 0
}

// tighten returns the command after which only root and the account could change the file at
// path. It is empty if nobody else can already, or if we may not do that.
func tighten(path string, a account) string {
	var commands []string
	at := func(path string) {
		info, err := os.Stat(path)
		if err != nil {
			return
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok && foreignOwner(info) && strconv.FormatUint(uint64(st.Uid), 10) != a.uid {
			commands = append(commands, "chown root "+quoted(path))
		}
		if info.Mode().Perm()&0o022 != 0 {
			commands = append(commands, "chmod go-w "+quoted(path))
		}
	}
	walk(path, func(dir, name string) bool {
		if writableByOthers(dir, name) != "" {
			at(dir)
		}
		return true
	})
	if files.Writers(path, false) != "" {
		at(path)
	}
	return strings.Join(commands, " && ")
}

// allow returns the command after which the account may use the file at path. It is empty if
// it already may.
func allow(path string, a account, right fs.FileMode) string {
	var commands []string
	walk(path, func(dir, _ string) bool {
		if info, err := os.Stat(dir); err == nil && !permitted(dir, info, a, mayEnter) {
			commands = append(commands, "chmod a+x "+quoted(dir))
		}
		return true
	})
	info, err := os.Stat(path)
	switch {
	case err != nil || permitted(path, info, a, right):
	case right == mayExecute:
		commands = append(commands, "chmod a+rx "+quoted(path))
	case a.uid == "0":
		commands = append(commands, "chown root "+quoted(path))
	case len(a.gids) > 0:
		group := a.gids[0]
		if g, err := user.LookupGroupId(group); err == nil {
			group = g.Name
		}
		commands = append(commands, "chgrp "+quoted(group)+" "+quoted(path), "chmod g+r "+quoted(path))
	}
	return strings.Join(commands, " && ")
}

// openToAll says that everybody can change the content of a directory. It is empty if not.
func openToAll(info fs.FileInfo) string {
	const all fs.FileMode = 0o002
	if info.Mode().Perm()&all == 0 || info.Mode()&fs.ModeSticky != 0 {
		return ""
	}
	return fmt.Sprintf("its mode is %04o", info.Mode().Perm())
}
