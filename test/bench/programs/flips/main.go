// Command flips is a service that passes its socket to its successor by tableflip on SIGHUP.
// Its arguments are an address and a PID file.
package main

import (
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/cloudflare/tableflip"

	"github.com/holdfast-dev/holdfast/test/bench/programs/answer"
)

func main() {
	if err := live(os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func live(address, pidFile string) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP)
	upgrader, err := tableflip.New(tableflip.Options{PIDFile: pidFile})
	if err != nil {
		return err
	}
	defer upgrader.Stop()
	go func() {
		for s := range signals {
			if s == syscall.SIGTERM {
				upgrader.Stop()
			} else if err := upgrader.Upgrade(); err != nil {
				log.Print(err)
			}
		}
	}()
	l, err := upgrader.Listen(answer.Network(address), address)
	if err != nil {
		return err
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		answer.Serve(l)
	}()
	if err := upgrader.Ready(); err != nil {
		return err
	}
	<-upgrader.Exit()
	err = l.Close()
	<-served
	return err
}
