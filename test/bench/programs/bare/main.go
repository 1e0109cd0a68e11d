//go:build linux

// Command bare is the minimal program without any framework: a careful programmer would write
// it by hand to have a notify service with a locked PID file, a reload and a durable record of
// its last run. The others are compared with it. With -all it also writes the files and lines
// that holdfast writes, so that the difference is the price of the framework.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/test/bench/programs/tell"
)

func main() {
	durable := flag.Bool("fsync", true, "wait until the record of the run is on the disk")
	all := flag.Bool("all", false, "write down all that holdfast does")
	flag.Parse()
	if err := live(*durable, *all); err != nil {
		log.Fatal(err)
	}
}

func live(durable, all bool) error {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	begun := time.Now()

	runtimeDir, stateDir := os.Getenv("RUNTIME_DIRECTORY"), os.Getenv("STATE_DIRECTORY")
	for _, dir := range []string{runtimeDir, stateDir} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	pidFile := filepath.Join(runtimeDir, "minimal.pid")
	lock, err := lockPID(pidFile)
	if err != nil {
		return err
	}
	var b *books
	enter := func(string) error { return nil }
	if all {
		if b, err = open(runtimeDir, stateDir); err != nil {
			return err
		}
		enter = b.enter
		log.Print("starting")
	}
	manager, err := connect(os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		return err
	}

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var goroutines sync.WaitGroup
	if !tell.Idle() {
		goroutines.Go(func() { heartbeat(ctx) })
	}
	if n := tell.Checks(); n > 0 {
		goroutines.Go(func() { examine(ctx, tell.Counter(n)) })
	}

	if err := enter("ready"); err != nil {
		return err
	}
	if err := manager.send("READY=1\n"); err != nil {
		return err
	}
	log.Print("ready")
	s := serve(signals, manager, enter)

	log.Print("stopping: ", s)
	if err := manager.send("STOPPING=1\n"); err != nil {
		return err
	}
	if err := enter("stopping"); err != nil {
		return err
	}
	cancel()
	goroutines.Wait()
	if all {
		err = b.close(s.String(), durable)
	} else {
		err = replace(filepath.Join(stateDir, "minimal.lastrun.json"), run{
			Process: identity{PID: os.Getpid()}, Started: begun, Ended: time.Now(), Reason: s.String(),
		}, durable)
	}
	if err != nil {
		return err
	}
	if err := os.Remove(pidFile); err != nil { // while it is locked
		return err
	}
	return lock.Close()
}

// serve reloads until it is asked to stop.
func serve(signals <-chan os.Signal, manager *notifier, enter func(string) error) os.Signal {
	for s := range signals {
		if s != syscall.SIGHUP {
			return s
		}
		var now unix.Timespec
		_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
		for _, err := range []error{
			manager.send(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d\n", now.Nano()/1000)),
			tell.Reloaded(),
			enter("ready"),
			manager.send("READY=1\n"),
		} {
			if err != nil {
				log.Print(err)
			}
		}
		log.Print("reloaded")
	}
	return nil
}

func heartbeat(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			log.Print("alive")
		case <-ctx.Done():
			return
		}
	}
}

// examine runs a health check, which has to answer before the next one.
func examine(ctx context.Context, check func(context.Context) error) {
	tick := time.NewTicker(tell.Pace)
	defer tick.Stop()
	for {
		limited, cancel := context.WithTimeout(ctx, tell.Pace)
		if err := check(limited); err != nil {
			log.Print(err)
		}
		cancel()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// lockPID writes the number after it has taken the lock, so that a loser destroys nothing.
func lockPID(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, fmt.Errorf("already running: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > 0 { // truncating is slow even if there is nothing to truncate
		if err := f.Truncate(0); err != nil {
			return nil, err
		}
	}
	_, err = fmt.Fprintln(f, os.Getpid())
	return f, err
}

// replace writes v atomically, and if durable so that a power cut does not undo it.
func replace(path string, v any, durable bool) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.Write(b); err != nil {
		return err
	}
	if durable {
		if err := f.Sync(); err != nil {
			return err
		}
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil || !durable {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	if err := dir.Sync(); err != nil {
		return err
	}
	return dir.Close()
}

// notifier is sd_notify(3).
type notifier struct {
	fd int
	to syscall.SockaddrUnix
}

func connect(address string) (*notifier, error) {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	return &notifier{fd, syscall.SockaddrUnix{Name: address}}, err
}

func (n *notifier) send(msg string) error { return syscall.Sendto(n.fd, []byte(msg), 0, &n.to) }
