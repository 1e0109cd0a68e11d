// Command updater does what programs that update themselves do with
// github.com/kardianos/service. Its status decides whether it runs as a service, and it
// restarts itself after it has replaced its own file.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/kardianos/service"

	"github.com/holdfast-dev/holdfast/platform/kardianos"
)

var (
	verb    = flag.String("s", "", "install, uninstall or restart the service")
	journal = flag.String("c", "/var/updater.journal", "file to which it writes what it does")
)

type program struct{ service service.Service }

func (p *program) Start(s service.Service) error {
	p.service = s
	go p.run()
	return nil
}

// Stop does nothing, because there is nothing to lose.
func (p *program) Stop(service.Service) error {
	say("stop")
	return nil
}

// run does the program's work, and looks for an update.
func (p *program) run() {
	say("%s of %d bytes", "running", size())
	for range time.Tick(20 * time.Millisecond) {
		if p.service == nil {
			return
		}
		if err := os.Rename(image()+".new", image()); err != nil {
			continue
		}
		say("updated")
		st, err := p.service.Status()
		say("status %v %v", st == service.StatusRunning, err)
		if err := p.service.Restart(); err != nil {
			say("no restart: %v", err)
		}
	}
}

// image returns the path of this program, which may be another file by now.
func image() string {
	path, err := filepath.Abs(os.Args[0])
	if err != nil {
		log.Fatal(err)
	}
	return path
}

// size distinguishes versions.
func size() int64 {
	info, err := os.Stat("/proc/self/exe")
	if err != nil {
		log.Fatal(err)
	}
	return info.Size()
}

func say(format string, args ...any) {
	f, err := os.OpenFile(*journal, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	_, _ = fmt.Fprintf(f, "%d "+format+"\n", append([]any{os.Getpid()}, args...)...)
}

func main() {
	kardianos.Adopt()
	flag.Parse()
	s := get()
	switch *verb {
	case "install":
		if st, err := s.Status(); err == nil || st != service.StatusUnknown {
			fmt.Println("it is installed already")
			return
		}
		if err := s.Install(); err != nil {
			log.Fatal(err)
		}
		if err := s.Start(); err != nil {
			log.Fatal(err)
		}
	case "uninstall":
		_ = s.Stop()
		if err := s.Uninstall(); err != nil {
			log.Fatal(err)
		}
	case "restart":
		if err := restart(s); err != nil {
			log.Fatal(err)
		}
	default:
		if st, _ := s.Status(); st != service.StatusUnknown {
			if err := s.Run(); err != nil {
				log.Fatal(err)
			}
			return
		}
		fmt.Println("use -s install to have it run as a service on", s.Platform())
		(&program{}).run()
	}
}

func restart(s service.Service) error {
	switch st, err := s.Status(); {
	case err != nil:
		return err
	case st == service.StatusRunning:
		return s.Restart()
	default:
		return s.Start()
	}
}

func get() service.Service {
	c := &service.Config{Name: "updater", DisplayName: "updater", Arguments: []string{"-c", *journal}, Option: service.KeyValue{}}
	switch service.ChosenSystem().String() {
	case "unix-systemv":
	case "windows-service":
		c.Option["DelayedAutoStart"] = true
	default: // this is not only for systemd
		c.Dependencies = append(c.Dependencies, "Requires=network.target", "After=network-online.target")
	}
	s, err := service.New(&program{}, c)
	if err != nil {
		log.Fatal(err)
	}
	return s
}
