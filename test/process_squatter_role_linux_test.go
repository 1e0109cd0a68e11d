package test_test

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/singleton"
)

// squatterRole is another user's process that locks what it can. Its first argument says how:
// "shared", "exclusive", "lease", "forged" (which makes and removes the file), or "again"
// (which keeps locking whatever comes into those places). It prints what it has locked, lives
// until its standard input ends, and releases nothing before.
func squatterRole() int {
	how, paths := os.Args[1], os.Args[2:]
	ended := make(chan struct{})
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); close(ended) }()
	if how == "hoard" {
		if err := hoard(paths[0]); err != nil {
			say("no hoard: %v", err)
			return 1
		}
	}
	if how == "again" {
		say("up")
		for {
			for _, path := range paths {
				_ = squat("exclusive", path)
			}
			select {
			case <-ended:
				return 0
			default:
			}
		}
	}
	for _, path := range paths[min(len(paths), hoards(how)):] {
		if err := squat(how, path); err != nil {
			say("no %s: %v", path, err)
		} else {
			say("has %s", path)
		}
	}
	say("up")
	<-ended
	return 0
}

// hoards is 1 if the first path is a directory for hoard.
func hoards(how string) int {
	if how == "hoard" {
		return 1
	}
	return 0
}

// hoard takes a great number of locks, on ranges of files in dir.
func hoard(dir string) error {
	for file := range 60 {
		fd, err := syscall.Open(filepath.Join(dir, strconv.Itoa(file)), syscall.O_RDWR|syscall.O_CREAT|syscall.O_CLOEXEC, 0o600)
		if err != nil {
			return err
		}
		for n := range 1000 {
			if err := syscall.FcntlFlock(uintptr(fd), syscall.F_SETLK, &syscall.Flock_t{Type: syscall.F_RDLCK, Start: int64(2 * n), Len: 1}); err != nil {
				return err
			}
		}
	}
	return nil
}

// squat keeps the descriptor for ever.
func squat(how, path string) error {
	flag := os.O_RDONLY
	switch how {
	case "lease":
		flag = os.O_RDWR
	case "forged":
		flag = os.O_RDWR | os.O_CREATE
	}
	fd, err := syscall.Open(path, flag|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0o644)
	if err != nil {
		return err
	}
	switch how {
	case "shared", "hoard":
		err = syscall.Flock(fd, syscall.LOCK_SH|syscall.LOCK_NB)
	case "lease":
		_, err = unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_WRLCK)
	default:
		err = syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err == nil && how == "forged" {
		err = os.Remove(path)
	}
	if err != nil {
		_ = syscall.Close(fd)
	}
	return err
}

// elderRole holds a name in the way of versions that had no mutex: see the history of package
// singleton. Its arguments are the lock file and the PID file.
func elderRole() int {
	record, pidFile := os.Args[1], os.Args[2]
	self, err := proc.Self()
	if err != nil {
		return 1
	}
	description, err := json.Marshal(singleton.Holder{Identity: self, UID: os.Geteuid(), Since: time.Now(), Origin: "elder"})
	if err != nil {
		return 1
	}
	if err := elderLock(record, fmt.Sprintf("%-400s\n", description), true); err != nil {
		say("refused: %v", err)
		return 75
	}
	if err := elderLock(pidFile, strconv.Itoa(self.PID)+"\n", false); err != nil {
		say("refused: %v", err)
		return 75
	}
	say("up")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// elderLock keeps the descriptor for ever.
func elderLock(path, content string, signed bool) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	fd, err := syscall.Open(path, syscall.O_RDWR|syscall.O_CREAT|syscall.O_CLOEXEC, 0o644)
	if err != nil {
		return err
	}
	if err := syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return err
	}
	if signed {
		var st syscall.Stat_t
		if err := syscall.Fstat(fd, &st); err != nil {
			return err
		}
		content += fmt.Sprintf("{\"file\":\"%d:%d\"}\n", st.Dev, st.Ino)
	}
	if err := syscall.Ftruncate(fd, 0); err != nil {
		return err
	}
	_, err = syscall.Pwrite(fd, []byte(content), 0)
	return err
}

// turncoatRole records itself as a holder. When told to, it executes its first argument in the
// same process, which then has nothing to do with the service.
func turncoatRole() int {
	program, record, mutex := os.Args[1], os.Args[2], os.Args[3]
	self, err := proc.Self()
	if err != nil {
		return 1
	}
	// The lock survives in the other program.
	fd, err := syscall.Open(mutex, syscall.O_RDWR|syscall.O_CREAT, 0o600)
	if err == nil {
		err = syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err != nil {
		say("no lock: %v", err)
		return 1
	}
	description, err := json.Marshal(singleton.Holder{Identity: self, UID: os.Geteuid(), Since: time.Now()})
	if err != nil {
		return 1
	}
	if err := os.WriteFile(record, description, 0o644); err != nil { //nolint:gosec // everybody may read it
		say("no record: %v", err)
		return 1
	}
	say("recorded")
	for b := make([]byte, 1); b[0] != '\n'; {
		if _, err := os.Stdin.Read(b); err != nil {
			return 1
		}
	}
	_ = os.Setenv(roleVariable, "foreign")
	say("%v", syscall.Exec(program, []string{program}, os.Environ()))
	return 1
}

// renamerRole keeps renaming the files in its arguments, and puts other things in their place,
// until its standard input ends. The first argument is the target of the links that it makes.
func renamerRole() int {
	secret, paths := os.Args[1], os.Args[2:]
	ended := make(chan struct{})
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); close(ended) }()
	say("up")
	for round := 0; ; round++ {
		select {
		case <-ended:
			return 0
		default:
		}
		path, other := paths[round%len(paths)], paths[round/len(paths)%len(paths)]
		aside := path + ".aside"
		_ = os.Rename(path, aside)
		switch round / 7 % 6 {
		case 0:
			_ = os.Symlink(secret, path)
		case 1:
			_ = syscall.Mkfifo(path, 0o666)
		case 2:
			_ = os.Link(other, path)
		case 3:
			_ = os.Rename(other, path)
		case 4:
			_ = os.Mkdir(path, 0o755)
		case 5:
			_ = os.WriteFile(path, []byte("{}"), 0o644) //nolint:gosec // for all to read
		}
		_ = os.Remove(path)
		_ = os.Rename(aside, path)
	}
}
