package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// needs does once everything that a service made with holdfast does in its life, and returns
// what was not permitted.
func needs() error {
	var errs []error
	try := func(what string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", what, err))
		}
	}
	for _, file := range []string{"/proc/self/stat", fmt.Sprintf("/proc/%d/stat", os.Getpid()), "/proc/sys/kernel/random/boot_id"} {
		_, err := os.ReadFile(file)
		try("read "+file, err)
	}
	_, err := os.Readlink("/proc/self/ns/pid")
	try("pid namespace", err)
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	try("pidfd_open", err)
	if err == nil {
		try("pidfd_send_signal", unix.PidfdSendSignal(fd, 0, nil, 0))
		_ = unix.Close(fd)
	}
	for _, variable := range []string{"RUNTIME_DIRECTORY", "STATE_DIRECTORY", "LOGS_DIRECTORY"} {
		d := os.Getenv(variable)
		if d == "" {
			continue // a user's service, or one with other directories
		}
		try(variable, useDir(d))
	}
	inotify, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	try("inotify_init1", err)
	if err == nil {
		_, err = unix.InotifyAddWatch(inotify, "/", unix.IN_CREATE)
		try("inotify_add_watch", err)
		_ = unix.Close(inotify)
	}
	c, err := net.Dial("unixgram", "/run/systemd/journal/socket")
	try("journal", err)
	if err == nil {
		_, err = c.Write([]byte("MESSAGE=probe\n"))
		try("journal", err)
		_ = c.Close()
	}
	for _, network := range []string{"tcp4", "tcp6"} {
		l, err := net.Listen(network, "localhost:0")
		if network == "tcp6" && err != nil && !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EAFNOSUPPORT) {
			continue // this machine has no IPv6 address
		}
		try(network, err)
		if err == nil {
			_ = l.Close()
		}
	}
	try("child", exec.Command("/bin/true").Run())
	return errors.Join(errs...)
}

func useDir(d string) error {
	path := filepath.Join(d, "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	return errors.Join(
		unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB),
		os.Chown(path, os.Getuid(), os.Getgid()), // as log rotation does
		os.Rename(path, path+".2"),
		os.Remove(path+".2"),
	)
}

// leftovers returns the variables that a child process must not inherit.
func leftovers() []string {
	var found []string
	for _, v := range os.Environ() {
		for _, prefix := range []string{"NOTIFY_SOCKET=", "WATCHDOG_", "LISTEN_"} {
			if strings.HasPrefix(v, prefix) {
				found = append(found, v)
			}
		}
	}
	return found
}
