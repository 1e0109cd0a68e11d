package singleton

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/holdfast-dev/holdfast/platform/proc"
	"golang.org/x/sys/unix"
)

// holderOfRemoved looks for a process that still holds the lock on a file which
// had the place of one of ours and was removed. proc_locks(5) lists who holds a
// flock on which device; the link of its descriptor then reads "PATH (deleted)".
// It sees what /proc lets us see: processes of our user, all of them for root.
func holderOfRemoved(ours ...*os.File) (Holder, bool) {
	locks, err := os.Open("/proc/locks")
	if err != nil {
		return Holder{}, false
	}
	defer func() { _ = locks.Close() }()

	removed := make(map[string]bool) // what the links would read
	devices := make(map[string]bool)
	for _, f := range ours {
		path, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(int(f.Fd())))
		if err != nil {
			continue
		}
		removed[path+" (deleted)"] = true
		devices[device(f)] = true
	}
	for lines := bufio.NewScanner(locks); lines.Scan(); {
		// 1: FLOCK  ADVISORY  WRITE 4711 00:19:1234 0 EOF
		f := strings.Fields(lines.Text())
		if len(f) < 6 || f[1] != "FLOCK" || f[3] != "WRITE" {
			continue
		}
		pid, err := strconv.Atoi(f[4])
		if i := strings.LastIndexByte(f[5], ':'); err != nil || pid <= 0 || i < 0 || !devices[f[5][:i]] {
			continue
		}
		if since, ok := holds(pid, removed); ok {
			if id, err := proc.Of(pid); err == nil {
				owner, _ := proc.Owner(pid)
				uid, _ := strconv.Atoi(owner)
				return Holder{Identity: id, UID: uid, Since: since, Origin: "unknown (its files were removed)"}, true
			}
		}
	}
	return Holder{}, false
}

// holds tells whether pid has one of the links open, and since when.
func holds(pid int, links map[string]bool) (time.Time, bool) {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	fds, err := os.ReadDir(dir)
	if err != nil {
		return time.Time{}, false
	}
	for _, fd := range fds {
		if link, err := os.Readlink(dir + "/" + fd.Name()); err == nil && links[link] {
			if info, err := os.Stat(dir + "/" + fd.Name()); err == nil {
				return info.ModTime(), true // written once, by the holder
			}
		}
	}
	return time.Time{}, false
}

// device is the device of f as proc_locks(5) writes it.
func device(f *os.File) string {
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%02x:%02x", unix.Major(st.Dev), unix.Minor(st.Dev))
}
