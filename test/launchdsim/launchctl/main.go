//go:build linux

// Command launchctl is a DOUBLE of launchctl(1), and of launchd(8) behind it:
// see package launchdsim. It is for test machines only.
//
//	launchctl --double PATH [SETTLE]   be launchd: boot, and answer at the socket PATH until SIGTERM
//	launchctl VERB ARGUMENT...         ask the one at $LAUNCHD_DOUBLE, default /run/launchd-double
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/test/launchdsim"
)

const usual = "/run/launchd-double"

func main() {
	if len(os.Args) > 2 && os.Args[1] == "--double" {
		settle := 1500 * time.Millisecond
		if len(os.Args) > 3 {
			d, err := time.ParseDuration(os.Args[3])
			exitOn(err)
			settle = d
		}
		exitOn(serve(os.Args[2], settle))
		return
	}
	a, err := ask(os.Args[1:])
	exitOn(err)
	fmt.Print(a.Stdout)
	fmt.Fprint(os.Stderr, a.Stderr)
	os.Exit(a.Code)
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "double of launchctl:", err)
		os.Exit(70)
	}
}

func ask(args []string) (launchdsim.Answer, error) {
	path := os.Getenv("LAUNCHD_DOUBLE")
	if path == "" {
		path = usual
	}
	var a launchdsim.Answer
	c, err := net.Dial("unix", path)
	if err != nil {
		return a, err
	}
	defer c.Close()
	if err := json.NewEncoder(c).Encode(args); err != nil {
		return a, err
	}
	return a, json.NewDecoder(c).Decode(&a)
}

func serve(path string, settle time.Duration) error {
	_ = os.Remove(path)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return err
	}
	if err := os.Chmod(path, 0o666); err != nil { // everybody may send requests; the double decides what they may do
		return err
	}
	d := &launchdsim.Double{Settle: settle}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		d.Shutdown()
		_ = l.Close()
	}()
	d.Boot()
	for {
		c, err := l.AcceptUnix()
		if errors.Is(err, net.ErrClosed) {
			return nil
		} else if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			if a, err := answer(d, c); err == nil {
				_ = json.NewEncoder(c).Encode(a)
			}
		}()
	}
}

// answer carries out a request with the rights of the user who sent it.
func answer(d *launchdsim.Double, c *net.UnixConn) (launchdsim.Answer, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return launchdsim.Answer{}, err
	}
	var who *unix.Ucred
	var denied error
	if err := raw.Control(func(fd uintptr) { who, denied = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil || denied != nil {
		return launchdsim.Answer{}, errors.Join(err, denied)
	}
	var args []string
	if err := json.NewDecoder(c).Decode(&args); err != nil {
		return launchdsim.Answer{}, err
	}
	return d.Control(int(who.Uid), args...), nil
}
