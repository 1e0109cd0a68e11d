package singleton

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// otherHolder looks for a process that holds the name by a lock on a file which
// had the place of one of ours and was removed, or on one of those that are there
// and that a holder locks.
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
	return search(owners(record), links)
}

// lockedBy reports whether a process of one who may hold the name, or of the file's
// owner, is seen to have it locked.
func lockedBy(file *os.File, owner string) bool {
	_, found := search(append(owners(file), owner), map[string]bool{pathOf(file): true})
	return found
}

// examinable reports whether we see what the process has open.
func examinable(pid int) bool {
	_, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/fd")
	return err == nil
}

// search looks for a process of one of the users that has one of the links open to
// write, and locked. It sees what /proc lets us see: processes of our user, all of
// them for root.
//
// The link of a descriptor reads "PATH" or "PATH (deleted)", and proc_pid_fdinfo(5)
// shows how it was opened and whether it is the one that is locked. A holder can
// write to its files, and strangers cannot; but in a mount namespace of theirs they
// have files by any name. So it also has to be a process of root's, of ours or of
// the owner of the place. The list of locks, proc_locks(5), would be quicker to
// read, unless somebody makes it long: he could keep us from starting.
func search(users []string, links map[string]bool) (Holder, bool) {
	dir, err := os.Open("/proc")
	if err != nil {
		return Holder{}, false
	}
	defer func() { _ = dir.Close() }()
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		// Cheap for the many of others, and not enough: see userOf.
		if uid, err := proc.Owner(pid); err != nil || !slices.Contains(users, uid) || !slices.Contains(users, userOf(pid)) {
			continue
		}
		since, ok := holds(pid, links)
		if !ok {
			continue
		}
		if id, err := proc.Of(pid); err == nil {
			uid, _ := strconv.Atoi(userOf(pid))
			return Holder{Identity: id, UID: uid, Since: since, Origin: "unknown (its files were removed)"}, true
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

// What is read of the list of locks to name who has one: any user can make it long,
// and the kernel stops all of the machine for each page of it, for some 10 ms
// (percpu_down_write in locks_start, fs/locks.c).
const (
	locksRead = 64 << 10 // bytes, some 1000 locks
	locksTook = 250 * time.Millisecond
)

// lockersOf are processes that have a file locked, as far as we can see them, for
// people: nothing is decided by it. It goes by the inode's number alone, as the
// list's device numbers are not those of stat(2) on btrfs and on overlayfs, so there
// may be some more.
func lockersOf(file *os.File) (all []locker) {
	info, err := file.Stat()
	if err != nil {
		return nil
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	list, err := os.Open("/proc/locks")
	if err != nil {
		return nil
	}
	defer func() { _ = list.Close() }()
	end := time.Now().Add(locksTook)
	inode := ":" + fmt.Sprint(st.Ino)
	seen := make(map[int]bool)
	for lines := bufio.NewScanner(io.LimitReader(list, locksRead)); lines.Scan() && time.Now().Before(end); {
		// 1: FLOCK  ADVISORY  WRITE 4711 00:19:1234 0 EOF
		f := strings.Fields(lines.Text())
		if len(f) < 6 || f[1] != "FLOCK" || !strings.HasSuffix(f[5], inode) {
			continue
		}
		pid, err := strconv.Atoi(f[4])
		if err != nil || pid <= 0 || seen[pid] {
			continue
		}
		seen[pid] = true
		id, err := proc.Of(pid)
		if err != nil {
			id = proc.Identity{PID: pid}
		}
		all = append(all, locker{id, userOf(pid)})
	}
	return all
}
