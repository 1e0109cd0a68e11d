// Command listens is a service with a socket and without any framework. It listens at its
// argument or, without one, at the socket that systemd passes to it.
package main

import (
	"errors"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/holdfast-dev/holdfast/test/bench/programs/answer"
)

func main() {
	if err := live(); err != nil {
		log.Fatal(err)
	}
}

func live() error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	l, err := listen(os.Args[1:])
	if err != nil {
		return err
	}
	go func() {
		<-signals
		_, _ = daemon.SdNotify(false, daemon.SdNotifyStopping)
		_ = l.Close()
	}()
	if _, err := daemon.SdNotify(false, daemon.SdNotifyReady); err != nil {
		return err
	}
	answer.Serve(l)
	return nil
}

func listen(args []string) (net.Listener, error) {
	if len(args) > 0 {
		return net.Listen(answer.Network(args[0]), args[0])
	}
	all, err := activation.Listeners()
	if err == nil && len(all) != 1 {
		err = errors.New("systemd passes no socket")
	}
	if err != nil {
		return nil, err
	}
	return all[0], nil
}
