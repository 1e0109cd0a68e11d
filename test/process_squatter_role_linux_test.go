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

// squatterRole is another user's process that locks what it can, as its first
// argument says: "shared", "exclusive", "lease", or "again", which locks whatever
// comes into those places, all the time. It says what it has, lives until its
// standard input ends, and lets go of nothing before.
func squatterRole() int {
	how, paths := os.Args[1], os.Args[2:]
	ended := make(chan struct{})
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); close(ended) }()
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
	for _, path := range paths {
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

// squat keeps the descriptor for good.
func squat(how, path string) error {
	flag := os.O_RDONLY
	if how == "lease" {
		flag = os.O_RDWR
	}
	fd, err := syscall.Open(path, flag|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	switch how {
	case "shared":
		err = syscall.Flock(fd, syscall.LOCK_SH|syscall.LOCK_NB)
	case "lease":
		_, err = unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_WRLCK)
	default:
		err = syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err != nil {
		_ = syscall.Close(fd)
	}
	return err
}

// elderRole holds a name as versions did that had no mutex: see the history of
// package singleton. Its arguments are the lock file and the PID file.
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
	for _, f := range []struct{ path, content string }{{record, string(description)}, {pidFile, strconv.Itoa(self.PID)}} {
		if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil {
			return 1
		}
		file, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			say("refused: %v", err)
			return 1
		}
		if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			say("refused: %v", err)
			return 75
		}
		content := f.content + "\n"
		if f.path == record {
			var st syscall.Stat_t
			if err := syscall.Fstat(int(file.Fd()), &st); err != nil {
				return 1
			}
			content = fmt.Sprintf("%-400s\n{\"file\":\"%d:%d\"}\n", f.content, st.Dev, st.Ino)
		}
		if err := file.Truncate(0); err != nil {
			return 1
		}
		if _, err := file.WriteAt([]byte(content), 0); err != nil {
			return 1
		}
		defer func() { _ = file.Close() }()
	}
	say("up")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}
