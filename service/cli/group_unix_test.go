//go:build unix

package cli_test

import (
	"io/fs"
	"strconv"
	"syscall"
)

// group is the number of the group that a file has.
func group(info fs.FileInfo) string {
	return strconv.FormatUint(uint64(info.Sys().(*syscall.Stat_t).Gid), 10)
}
