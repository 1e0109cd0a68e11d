//go:build unix

package cli

import (
	"io/fs"
	"slices"
	"strconv"
	"syscall"
)

// permitted reports whether the mode of a file gives the account that right. It is true for a
// file with an access control list, because the mode does not say everything then.
func permitted(path string, info fs.FileInfo, a account, right fs.FileMode) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || hasACL(path) {
		return true
	}
	shift := 0
	switch {
	case strconv.FormatUint(uint64(st.Uid), 10) == a.uid:
		shift = 6
	case slices.Contains(a.gids, strconv.FormatUint(uint64(st.Gid), 10)):
		shift = 3
	}
	return info.Mode().Perm()&(right<<shift) != 0
}
