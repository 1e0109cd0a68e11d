//go:build linux

// Command kardianos is the minimal program with github.com/kardianos/service. That library
// writes no PID file, keeps no record, and leaves readiness and SIGHUP to the program. Here
// the program reports readiness, so that there is something to measure. It does not handle
// SIGHUP, which kills it.
package main

import (
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/kardianos/service"

	"github.com/holdfast-dev/holdfast/test/bench/programs/tell"
)

func main() {
	// The library listens only after Start, in which this program reports that it is ready.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	s, err := service.New(&program{quit: make(chan struct{})}, &service.Config{
		Name: "minimal", Option: service.KeyValue{"RunWait": func() { <-signals }},
	})
	if err == nil {
		err = s.Run()
	}
	if err != nil {
		log.Fatal(err)
	}
}

type program struct{ quit chan struct{} }

func (p *program) Start(service.Service) error {
	if !tell.Idle() {
		go p.heartbeat()
	}
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	return syscall.Sendto(fd, []byte("READY=1\n"), 0, &syscall.SockaddrUnix{Name: os.Getenv("NOTIFY_SOCKET")})
}

func (p *program) Stop(service.Service) error {
	close(p.quit)
	return nil
}

func (p *program) heartbeat() {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			log.Print("alive")
		case <-p.quit:
			return
		}
	}
}
