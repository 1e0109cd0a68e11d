// Command before is the classic program of github.com/kardianos/service.
package main

import (
	"flag"
	"log"
	"time"

	"github.com/kardianos/service"
)

type program struct {
	logger service.Logger
	exit   chan struct{}
}

// Start does not block: the work continues in a goroutine.
func (p *program) Start(service.Service) error {
	p.exit = make(chan struct{})
	go p.run()
	return nil
}

func (p *program) run() {
	_ = p.logger.Infof("running on %s", service.Platform())
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			_ = p.logger.Infof("still running at %s", now)
		case <-p.exit:
			return
		}
	}
}

// Stop ends the work.
func (p *program) Stop(service.Service) error {
	close(p.exit)
	return nil
}

func main() {
	verb := flag.String("service", "", "start, stop, restart, install or uninstall the service")
	flag.Parse()

	prog := &program{}
	s, err := service.New(prog, &service.Config{
		Name:        "classic",
		DisplayName: "The Classic",
		Description: "Logs once a minute that it is running.",
	})
	if err != nil {
		log.Fatal(err)
	}
	if prog.logger, err = s.Logger(nil); err != nil {
		log.Fatal(err)
	}
	if *verb != "" {
		if err := service.Control(s, *verb); err != nil {
			log.Fatal(err)
		}
		return
	}
	if err := s.Run(); err != nil {
		log.Fatal(err)
	}
}
