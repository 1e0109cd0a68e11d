package singleton

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// otherHolder looks for a process that holds the name by a lock on a file which
// had the place of one of ours and was removed, or on one of those that are there
// and that a holder locks. It sees what /proc lets us see: processes of our user,
// all of them for root.
//
// proc_locks(5) lists which process has a flock, but its device numbers are not
// those of stat(2) on btrfs and on overlayfs. So it only says whose descriptors to
// look at: the link of one reads "PATH" or "PATH (deleted)", and proc_pid_fdinfo(5)
// shows how it was opened and whether it is the one that is locked. A holder can
// write to its files, and strangers cannot; but in a mount namespace of theirs they
// have files by any name. So it also has to be a process of root's, of ours or of
// the owner of the place.
func otherHolder(mutex, record *os.File, pid *heldFile) (Holder, bool) {
	links := make(map[string]bool)
	for _, path := range []string{pathOf(mutex), pathOf(record)} {
		links[path+" (deleted)"] = true
	}
	links[pathOf(record)] = true
	place := pid.path
	if pid.file != nil { // we have it locked
		place = pathOf(pid.file)
	} else if f, err := os.OpenFile(place, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0); err == nil {
		place = pathOf(f)
		_ = f.Close()
		links[place] = true
	}
	links[place+" (deleted)"] = true

	ours := owners(record)
	seen := make(map[int]bool)
	for _, l := range listLocks() {
		if !l.exclusive || seen[l.pid] {
			continue
		}
		seen[l.pid] = true
		if !slices.Contains(ours, userOf(l.pid)) {
			continue
		}
		if since, ok := holds(l.pid, links); ok {
			if id, err := proc.Of(l.pid); err == nil {
				uid, _ := strconv.Atoi(userOf(l.pid))
				return Holder{Identity: id, UID: uid, Since: since, Origin: "unknown (its files were removed)"}, true
			}
		}
	}
	return Holder{}, false
}

// owners are the users who may hold a name: root, ours, and to whom the directory
// of file belongs.
func owners(file *os.File) []string {
	all := []string{"0", strconv.Itoa(os.Geteuid())}
	if info, err := os.Stat(filepath.Dir(file.Name())); err == nil {
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			all = append(all, strconv.Itoa(int(st.Uid)))
		}
	}
	return all
}

// userOf is the real user of a process; empty if it is not known. The effective
// one is root's in a set-uid program, to which anybody can hand his descriptors.
func userOf(pid int) string {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return ""
	}
	_, after, _ := strings.Cut(string(content), "\nUid:\t")
	uid, _, _ := strings.Cut(after, "\t")
	return uid
}

// pathOf is the path of an open file, without links.
func pathOf(f *os.File) string {
	path, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(int(f.Fd())))
	if err != nil {
		return f.Name()
	}
	return path
}

// holds reports whether pid has one of the links open to write, and locked, and
// since when.
func holds(pid int, links map[string]bool) (time.Time, bool) {
	dir := "/proc/" + strconv.Itoa(pid)
	fds, err := os.ReadDir(dir + "/fd")
	if err != nil {
		return time.Time{}, false
	}
	for _, fd := range fds {
		path := dir + "/fd/" + fd.Name()
		if link, err := os.Readlink(path); err != nil || !links[link] {
			continue
		}
		if writes, locker := lockedToWrite(dir + "/fdinfo/" + fd.Name()); !writes || locker == "" {
			continue
		}
		if info, err := os.Stat(path); err == nil {
			return info.ModTime(), true // written once, by the holder
		}
	}
	return time.Time{}, false
}

// locksItself reports whether the process has the file at path, by that name and
// no other, locked by a call of its own: a descriptor that is locked can be handed
// to anybody, and shows who locked it.
func locksItself(pid int, path string) bool {
	f, err := files.OpenToRead(path)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Nlink != 1 {
		return false
	}
	dir := "/proc/" + strconv.Itoa(pid)
	fds, err := os.ReadDir(dir + "/fd")
	if err != nil { // not ours to see
		return false
	}
	for _, fd := range fds {
		there, err := os.Stat(dir + "/fd/" + fd.Name())
		if err != nil || !os.SameFile(info, there) {
			continue
		}
		if link, err := os.Readlink(dir + "/fd/" + fd.Name()); err != nil || link != pathOf(f) {
			continue
		}
		if writes, locker := lockedToWrite(dir + "/fdinfo/" + fd.Name()); writes && locker == strconv.Itoa(pid) {
			return true
		}
	}
	return false
}

// lockedToWrite reads the description of a descriptor: whether it can be written
// to, and the process that locked it; empty if none did.
//
//	flags:	02100002
//	lock:	1: FLOCK  ADVISORY  WRITE 4711 00:19:1234 0 EOF
func lockedToWrite(fdinfo string) (writes bool, locker string) {
	content, err := os.ReadFile(fdinfo)
	if err != nil {
		return false, ""
	}
	for line := range strings.Lines(string(content)) {
		f := strings.Fields(line)
		switch {
		case len(f) == 2 && f[0] == "flags:":
			flags, err := strconv.ParseUint(f[1], 8, 64)
			writes = err == nil && flags&syscall.O_ACCMODE != syscall.O_RDONLY
		case len(f) > 5 && f[0] == "lock:" && f[2] == "FLOCK" && f[4] == "WRITE":
			locker = f[5]
		}
	}
	return writes, locker
}

// listed is a line of /proc/locks.
type listed struct {
	pid       int
	exclusive bool
	inode     string
}

// listLocks reads the flocks of the processes that we can see. That takes long:
// the kernel lists them while all of the machine stands still for it, some 10 ms
// (percpu_down_write in locks_start, fs/locks.c). Any user can make the list long:
// many locks of one process on one file are one here. It is read to its end all
// the same, for the holder may stand last.
func listLocks() (all []listed) {
	locks, err := os.Open("/proc/locks")
	if err != nil {
		return nil
	}
	defer func() { _ = locks.Close() }()
	seen := make(map[listed]bool)
	for lines := bufio.NewScanner(locks); lines.Scan(); {
		// 1: FLOCK  ADVISORY  WRITE 4711 00:19:1234 0 EOF
		f := strings.Fields(lines.Text())
		if len(f) < 6 || f[1] != "FLOCK" {
			continue
		}
		if pid, err := strconv.Atoi(f[4]); err == nil && pid > 0 {
			l := listed{pid, f[3] == "WRITE", f[5][strings.LastIndexByte(f[5], ':')+1:]}
			if !seen[l] {
				seen[l] = true
				all = append(all, l)
			}
		}
	}
	return all
}

// lockersOf are the processes that have a file locked, as far as we can see them.
// It goes by the inode's number alone, so there may be some more.
func lockersOf(file *os.File) (all []locker) {
	info, err := file.Stat()
	if err != nil {
		return nil
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	seen := make(map[int]bool)
	for _, l := range listLocks() {
		if l.inode != fmt.Sprint(st.Ino) || seen[l.pid] {
			continue
		}
		seen[l.pid] = true
		id, err := proc.Of(l.pid)
		if err != nil {
			id = proc.Identity{PID: l.pid}
		}
		all = append(all, locker{id, userOf(l.pid)})
	}
	return all
}
