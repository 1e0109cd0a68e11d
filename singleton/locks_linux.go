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

// otherHolder looks for a process that holds the name by a lock on a removed file that had the
// path of one of ours, or on an existing file that a holder locks.
func otherHolder(mutex, record *os.File, pid *heldFile) (Holder, bool) {
	links := make(map[string]bool)
	for _, path := range []string{pathOf(mutex), pathOf(record)} {
		links[path+" (deleted)"] = true
	}
	links[pathOf(record)] = true
	place := pid.path
	if pid.file != nil { // we have locked it
		place = pathOf(pid.file)
	} else if f, err := os.OpenFile(place, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0); err == nil {
		place = pathOf(f)
		_ = f.Close()
		links[place] = true
	}
	links[place+" (deleted)"] = true
	return search(owners(record), links)
}

// lockedBy reports whether the file is locked by a visible process of a user who may hold the
// name, or of owner.
func lockedBy(file *os.File, owner string) bool {
	_, found := search(append(owners(file), owner), map[string]bool{pathOf(file): true})
	return found
}

// examinable reports whether we can see the descriptors of the process.
func examinable(pid int) bool {
	_, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/fd")
	return err == nil
}

// search looks for a process of one of the users that has one of the links open for writing,
// and locked. It sees the processes that /proc shows: those of our user, or all of them for
// root.
//
// The link of a descriptor reads "PATH" or "PATH (deleted)". proc_pid_fdinfo(5) shows how it
// was opened and whether it has the lock. A holder can write to its files, and strangers
// cannot. But in a mount namespace of their own, strangers can have files with any path, so
// the process must also belong to root, to us or to the owner of the directory. The list of
// all locks, proc_locks(5), would be faster to read, but anybody can make it so long that we
// could not start.
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
		// The first test is cheap for the many other processes, but insufficient: see userOf.
		if uid, err := proc.Owner(pid); err != nil || !slices.Contains(users, uid) || !slices.Contains(users, userOf(pid)) {
			continue
		}
		since, ok := holds(pid, links)
		if !ok {
			continue
		}
		if id, err := proc.Of(pid); err == nil {
			uid, _ := strconv.Atoi(userOf(pid))
			return Holder{Identity: id, UID: uid, Since: since, Origin: "unknown (its files are removed)"}, true
		}
	}
	return Holder{}, false
}

// owners returns the users who may hold a name: root, ourselves, and the owner of the
// directory of file.
func owners(file *os.File) []string {
	all := []string{"0", strconv.Itoa(os.Geteuid())}
	if info, err := os.Stat(filepath.Dir(file.Name())); err == nil {
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			all = append(all, strconv.Itoa(int(st.Uid)))
		}
	}
	return all
}

// userOf returns the real user of a process, or "" if it is unknown. The effective user is
// root in a set-uid program, to which anybody can pass his descriptors.
func userOf(pid int) string {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return ""
	}
	_, after, _ := strings.Cut(string(content), "\nUid:\t")
	uid, _, _ := strings.Cut(after, "\t")
	return uid
}

// pathOf returns the path of an open file, without links.
func pathOf(f *os.File) string {
	path, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(int(f.Fd())))
	if err != nil {
		return f.Name()
	}
	return path
}

// holds reports whether pid has one of the links open for writing, and locked, and since when.
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

// lockedToWrite reads the description of a descriptor. It returns whether the descriptor can
// be written to, and the process that has locked it, or "" if none has.
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

// These limit the reading of the list of locks. Any user can make it long, and for each page
// of it the kernel stops the whole machine for some 10 ms
// (percpu_down_write in locks_start, fs/locks.c).
const (
	locksRead = 64 << 10 // bytes, some 1000 locks
	locksTook = 250 * time.Millisecond
)

// lockersOf returns the visible processes that have a file locked, to show to people. Nothing
// is decided by it. It compares only the inode number, because the device numbers in the list
// differ from those of stat(2) on btrfs and overlayfs. So it may return too many.
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
	return lockersIn(&page{Reader: io.LimitReader(list, locksRead), end: time.Now().Add(locksTook)}, st.Ino)
}

// A page is a list of which no page is read after end, except the first: on a busy machine,
// that one alone can take longer.
type page struct {
	io.Reader
	end  time.Time
	next bool // it is not the first
}

func (p *page) Read(b []byte) (int, error) {
	if p.next && time.Now().After(p.end) {
		return 0, io.EOF
	}
	p.next = true
	return p.Reader.Read(b)
}

// lockersIn returns the visible processes that have a file with that inode number locked,
// according to a list like /proc/locks.
func lockersIn(list io.Reader, ino uint64) (all []locker) {
	inode := ":" + strconv.FormatUint(ino, 10)
	seen := make(map[int]bool)
	for lines := bufio.NewScanner(list); lines.Scan(); {
		// 1: FLOCK  ADVISORY  WRITE 4711 00:19:1234 0 EOF
		f := strings.Fields(lines.Text())
		if len(f) < 8 || f[1] != "FLOCK" || !strings.HasSuffix(f[5], inode) { // the last line may be cut off
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
