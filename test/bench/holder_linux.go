package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// holderVariable makes this program the process that holds all locks below the directory in
// its value.
const holderVariable = "HOLDFAST_BENCH_HOLDER"

// rangesVariable makes the holder take that number of other locks instead, all on one file there.
const rangesVariable = "HOLDFAST_BENCH_RANGES"

func isHolder() bool { return os.Getenv(holderVariable) != "" }

// hold takes all locks, reports that, and keeps them until its standard input ends.
func hold() {
	dir := os.Getenv(holderVariable)
	if n, err := strconv.Atoi(os.Getenv(rangesVariable)); err == nil {
		f, err := holdRanges(filepath.Join(dir, "ranges"), n)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer func() { _ = f.Close() }()
		fmt.Println("held")
		_, _ = io.Copy(io.Discard, os.Stdin)
		return
	}
	for i, l := range lockers() {
		if _, err := l.take(lockDir(dir, i)); err != nil {
			fmt.Printf("%s: %v\n", l.name, err)
			return
		}
	}
	fmt.Println("held")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// startHolder returns when another process holds all locks, or what env says. release ends that
// process.
func startHolder(dir string, env ...string) (release func() error, err error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(exe)
	cmd.Env = append(append(os.Environ(), holderVariable+"="+dir), env...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	release = func() error { return errors.Join(in.Close(), cmd.Wait()) }
	line, err := bufio.NewReader(out).ReadString('\n')
	if line != "held\n" {
		return nil, errors.Join(fmt.Errorf("the holder says %q", line), err, release())
	}
	return release, nil
}

// holdRanges opens a file with n locks, each of one byte and none beside another, because the
// kernel would join them.
func holdRanges(path string, n int) (f *os.File, err error) {
	if f, err = os.Create(path); err != nil {
		return nil, err
	}
	for i := range n {
		if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK, Start: int64(2 * i), Len: 1}); err != nil {
			return nil, errors.Join(os.NewSyscallError("fcntl", err), f.Close())
		}
	}
	return f, nil
}
