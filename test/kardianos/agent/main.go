// Command agent is a program that knows github.com/kardianos/service and nothing else but the
// one line with which it runs under holdfast. If it is called plain, it lacks that line.
//
// agent SPEC [VERB] does what service.Control does for VERB, or runs. agent SPEC bare VERB
// does the same but knows only the name of the service. SPEC is a file with what programs
// usually have in their code: see spec.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/kardianos/service"

	"github.com/holdfast-dev/holdfast/platform/kardianos"
)

// A spec is a Config as JSON, and the behaviour of the program.
type spec struct {
	service.Config
	Journal string // file that records what happens
	// What it does: "", or some of these, with spaces between.
	//
	//	exit-in-stop fatal term-in-start hang-in-stop slow-stop own-ready own-hup own-usr1
	//	own-pid run-wait status-in-start stop-itself restart-itself uninstall-itself fail-start reloads late-wrap early-wrap
	Does string
}

func (s spec) does(what string) bool { return strings.Contains(" "+s.Does+" ", " "+what+" ") }

func main() {
	var sp spec
	content, err := os.ReadFile(os.Args[min(1, len(os.Args)-1)])
	if err == nil { // it is also an error for a command of holdfast, which has no file
		err = json.Unmarshal(content, &sp)
	}
	if sp.does("early-wrap") {
		service.ChooseSystem(wrapper{service.ChosenSystem()})
	}
	if !plain() {
		kardianos.Adopt()
		kardianos.Adopt()
	}
	if sp.does("late-wrap") {
		service.ChooseSystem(wrapper{service.ChosenSystem()})
	}
	if err != nil {
		fatal(err)
	}
	for key, value := range sp.Option { // JSON has no integers
		if n, is := value.(float64); is {
			sp.Option[key] = int(n)
		}
	}
	if err := run(sp, os.Args[2:]); err != nil {
		fatal(err)
	}
}

// fatal is like log.Fatal.
func fatal(v any) {
	fmt.Fprintln(os.Stderr, v)
	os.Exit(1) //nolint:forbidigo // as programs do anywhere
}

// plain reports whether this is a build without the one line.
func plain() bool {
	for _, mark := range []string{"/etc/agent.plain", `C:\agent.plain`} {
		if _, err := os.Stat(mark); err == nil {
			return true
		}
	}
	return filepath.Base(os.Args[0]) == "plain"
}

func run(sp spec, args []string) error {
	p := &program{spec: sp, done: make(chan struct{})}
	if sp.does("run-wait") {
		if sp.Option == nil {
			sp.Config.Option = service.KeyValue{}
		}
		sp.Config.Option["RunWait"] = p.wait
	}
	var i service.Interface = p
	if sp.does("reloads") {
		i = reloader{p}
	}
	s, err := service.New(i, &sp.Config)
	if err != nil {
		return err
	}
	switch {
	case len(args) > 1 && args[0] == "bare":
		if s, err = service.ChosenSystem().New(nil, &service.Config{Name: sp.Name}); err != nil {
			return err
		}
		return control(s, args[1])
	case len(args) > 0 && args[0] != "--":
		return control(s, args[0])
	}
	p.say("arguments %q", os.Args[1:])
	logger, err := s.Logger(nil)
	switch {
	case err == nil:
		_ = logger.Info("hello from the agent")
	case !plain(): // the library itself has no logger without syslog
		return err
	}
	p.say("interactive %v, said %s", service.Interactive(), os.Getenv("SAID"))
	return s.Run()
}

func control(s service.Service, verb string) error {
	switch verb {
	case "platform":
		fmt.Println(service.Platform(), service.ChosenSystem().String(), s.Platform(), s.String())
		return nil
	case "status":
		st, err := s.Status()
		fmt.Println(map[service.Status]string{service.StatusUnknown: "unknown", service.StatusRunning: "running", service.StatusStopped: "stopped"}[st])
		switch {
		case errors.Is(err, service.ErrNotInstalled):
			fmt.Println("not installed")
		case err != nil:
			fmt.Println("error:", err)
		}
		return nil
	case "run":
		return s.Run()
	}
	return service.Control(s, verb)
}

const usr1 = syscall.Signal(10) // of Linux; Windows has none

type program struct {
	spec
	service service.Service
	done    chan struct{}
	mu      sync.Mutex
}

// say writes a line to the journal.
func (p *program) say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f, err := os.OpenFile(p.Journal, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	defer f.Close()
	_, _ = fmt.Fprintf(f, "%d "+format+"\n", append([]any{os.Getpid()}, args...)...)
}

func (p *program) Start(s service.Service) error {
	p.service = s
	p.say("start %s", s)
	fmt.Fprintln(os.Stderr, "printed while it starts")
	if p.does("fail-start") {
		return errors.New("no luck today")
	}
	if p.does("status-in-start") {
		st, err := s.Status()
		p.say("status in start %v %v", st == service.StatusRunning, err)
	}
	if p.does("term-in-start") {
		if self, err := os.FindProcess(os.Getpid()); err == nil {
			_ = self.Signal(syscall.SIGTERM)
		}
		time.Sleep(200 * time.Millisecond) // enough time for a signal that kills
	}
	for what, sig := range map[string]os.Signal{"own-hup": syscall.SIGHUP, "own-usr1": usr1} {
		if p.does(what) {
			c := make(chan os.Signal, 1)
			signal.Notify(c, sig)
			go func() {
				for range c {
					p.say("%s came", what)
				}
			}()
		}
	}
	if file, is := p.Option["PIDFile"].(string); is && p.does("own-pid") {
		p.say("own PID file %v", os.WriteFile(file, []byte(fmt.Sprintln(os.Getpid())), 0o644))
	}
	p.say("running") // before it is ready
	go p.run()
	return nil
}

func (p *program) run() {
	defer close(p.done)
	switch {
	case p.does("own-ready"):
		conn, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
		if err == nil {
			_, err = conn.Write([]byte("READY=1\nSTATUS=its own words"))
		}
		p.say("own READY=1 %v", err)
	case p.does("fatal"):
		fatal("the goroutine has had enough")
	case p.does("stop-itself"):
		p.say("stop itself %v", p.service.Stop())
	case p.does("uninstall-itself"):
		p.say("uninstall itself %v", p.service.Uninstall())
	case p.does("restart-itself"):
		if _, err := os.Stat(p.Journal + ".again"); err != nil {
			_ = os.WriteFile(p.Journal+".again", nil, 0o666)
			_ = os.Remove("/run/openrc/options/feed/child_pid") // supervise-daemon may not have written it yet
			p.say("restart itself %v", p.service.Restart())
		}
	}
}

// wait implements the option RunWait.
func (p *program) wait() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM)
	<-c
	p.say("waited")
}

func (p *program) Stop(service.Service) error {
	p.say("stop")
	switch {
	case p.does("exit-in-stop"):
		os.Exit(0) //nolint:forbidigo // as programs do
	case p.does("hang-in-stop"):
		select {}
	case p.does("slow-stop"):
		time.Sleep(500 * time.Millisecond)
	case p.does("stop-itself"), p.does("restart-itself"), p.does("uninstall-itself"):
		<-p.done // otherwise a request from inside would wait for itself
	}
	p.say("stopped")
	return nil
}

type reloader struct{ *program }

func (r reloader) Reload(service.Service) error {
	r.say("reload")
	if _, err := os.Stat(r.Journal + ".bad"); err == nil {
		return errors.New("the new configuration is bad")
	}
	return nil
}

// A wrapper wraps the chosen System, as programs do.
type wrapper struct{ service.System }

func (w wrapper) New(i service.Interface, c *service.Config) (service.Service, error) {
	s, err := w.System.New(i, c)
	return wrapped{s}, err
}

type wrapped struct{ service.Service }

func (w wrapped) String() string { return "wrapped " + w.Service.String() }
