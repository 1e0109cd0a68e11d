package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// holderVariable makes this program the process that holds all locks below the directory in
// its value.
const holderVariable = "HOLDFAST_BENCH_HOLDER"

func isHolder() bool { return os.Getenv(holderVariable) != "" }

// hold takes all locks, reports that, and keeps them until its standard input ends.
func hold() {
	dir := os.Getenv(holderVariable)
	for i, l := range lockers() {
		if _, err := l.take(lockDir(dir, i)); err != nil {
			fmt.Printf("%s: %v\n", l.name, err)
			return
		}
	}
	fmt.Println("held")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// startHolder returns when another process holds all locks. release ends that process.
func startHolder(dir string) (release func() error, err error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), holderVariable+"="+dir)
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
