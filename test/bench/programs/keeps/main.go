// Command keeps is a service whose socket, named answer in the configuration, is kept for it.
package main

import (
	"context"
	"net"
	"os"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"

	"github.com/holdfast-dev/holdfast/test/bench/programs/answer"
)

func main() { os.Exit(cli.Main(service.Config{Name: "keeps"}, &program{})) }

type program struct {
	listener net.Listener
	served   chan struct{}
}

func (p *program) Start(_ context.Context, rt *service.Runtime) (err error) {
	p.listener, err = rt.Listen("answer")
	if err != nil {
		return err
	}
	p.served = make(chan struct{})
	rt.Go("answer", func(context.Context) error {
		defer close(p.served)
		answer.Serve(p.listener)
		return nil
	})
	return nil
}

func (p *program) Stop(context.Context) error {
	err := p.listener.Close()
	<-p.served
	return err
}
