// Command resolver does what programs do that wrap the System and the Service of
// github.com/kardianos/service in types of their own. For SysV they make the links themselves,
// ask the script if the library has no answer, and branch on Platform. The init of one package
// calls Adopt, and that of another package has wrapped the System before.
package main

import (
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"

	"github.com/kardianos/service"

	"github.com/holdfast-dev/holdfast/platform/kardianos"
	_ "github.com/holdfast-dev/holdfast/test/kardianos/adopts"
	_ "github.com/holdfast-dev/holdfast/test/kardianos/early"
)

const name = "resolver"

type linking struct{ service.System }

func (l linking) New(i service.Interface, c *service.Config) (service.Service, error) {
	s, err := l.System.New(i, c)
	if err != nil {
		return s, err
	}
	return linked{Service: s, name: c.Name}, nil
}

type linked struct {
	service.Service
	name string
}

func (l linked) Install() error {
	if err := l.Service.Install(); err != nil {
		return err
	}
	return call("update-rc.d", l.name, "defaults")
}

func (l linked) Uninstall() error {
	if err := l.Service.Uninstall(); err != nil {
		return err
	}
	return call("update-rc.d", l.name, "remove")
}

func call(argv ...string) error {
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%q: %w: %s", argv, err, out)
	}
	return nil
}

type program struct {
	serves, done chan struct{}
}

func (p *program) Start(service.Service) error {
	go func() {
		<-p.serves
		close(p.done)
	}()
	return nil
}

// Stop waits for the rest of the program.
func (p *program) Stop(service.Service) error {
	close(p.serves)
	<-p.done
	return nil
}

func main() {
	if sys := service.ChosenSystem(); sys.String() == "unix-systemv" {
		service.ChooseSystem(linking{System: sys})
	}
	kardianos.Adopt() // the program cannot know that an init has called it
	verb := "run"
	if len(os.Args) > 1 {
		verb = os.Args[1]
	}
	here, err := os.Getwd()
	if err != nil {
		log.Fatal(err)
	}
	s, err := service.New(&program{make(chan struct{}), make(chan struct{})}, &service.Config{
		Name: name, DisplayName: "The Resolver", WorkingDirectory: here, Arguments: []string{"run"},
		Option: service.KeyValue{"SvcInfo": "version 1", "Restart": "always", "RunAtLoad": true, "LogOutput": true},
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := do(s, verb); err != nil {
		log.Fatal(err)
	}
}

func do(s service.Service, verb string) error {
	switch verb {
	case "run":
		return s.Run()
	case "kind":
		fmt.Printf("%s %s %s %T\n", service.Platform(), s.Platform(), s, s)
		return nil
	case "status":
		st, err := status(s)
		fmt.Println(map[service.Status]string{service.StatusUnknown: "unknown", service.StatusRunning: "running", service.StatusStopped: "stopped"}[st])
		return err
	}
	if err := service.Control(s, verb); err != nil || verb != "install" {
		return err
	}
	return service.Control(s, "start")
}

// status asks the script if the library has no answer.
func status(s service.Service) (service.Status, error) {
	st, err := s.Status()
	if err == nil || service.Platform() != "unix-systemv" || errors.Is(err, service.ErrNotInstalled) {
		return st, err
	}
	if call("sh", "-c", "/etc/init.d/"+name+" status") != nil {
		return service.StatusStopped, nil //nolint:nilerr // the script has answered
	}
	return service.StatusRunning, nil
}
