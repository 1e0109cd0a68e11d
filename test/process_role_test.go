package test_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

// planVariable has the plan of a service, as JSON.
const planVariable = "HOLDFAST_TEST_PLAN"

// plan is how the service under test behaves. Its calls do what an act says:
//
//	""           succeed at once
//	"fail TEXT"  return an error
//	"panic TEXT" panic
//	"hang"       never return
//	"heed"       wait for the end of the context, and return its error
//	"overlook"   wait for the end of the context, and succeed
//	"crash TEXT" panic in a goroutine that nobody looks after
//	"leave"      os.Exit(3)
//	"wait"       wait for a line "CALL ACT" on standard input, and do what it says
//
// It prints what happens to the service, one line each.
type plan struct {
	Start, Stop, Reload string

	// Exit is the act between the end of cli.Main and the end of the process.
	Exit string `json:",omitempty"`
	// Recover makes it print what it is told about the last run. Version is its own version,
	// if not empty.
	Recover bool   `json:",omitempty"`
	Version string `json:",omitempty"`
	// Barrier delays everything until standard input ends.
	Barrier bool `json:",omitempty"`
	// Cluster is the directory of the engine that elects one of several machines; empty: there
	// is none.
	Cluster string `json:",omitempty"`
	// Child makes Start start a child, a foreign that prints its environment.
	Child bool `json:",omitempty"`
}

// puppet is the program of the service under test.
type puppet struct {
	plan     plan
	orders   map[string]chan string
	greeting atomic.Value // of its own table of the configuration file: what is in force
	reloads  int
	rt       *service.Runtime
}

// serviceRole is the whole main function of a service.
func serviceRole() int {
	p := &puppet{orders: make(map[string]chan string)}
	if text := os.Getenv(planVariable); text != "" {
		if err := json.Unmarshal([]byte(text), &p.plan); err != nil {
			panic(err)
		}
	}
	for _, call := range []string{"start", "stop", "reload", "exit"} {
		p.orders[call] = make(chan string, 100)
	}
	switch {
	case p.plan.Barrier:
		_, _ = io.Copy(io.Discard, os.Stdin)
	case !p.plan.Child: // which reads it otherwise
		go p.listen()
	}
	code := cli.Main(service.Config{
		Cluster: p.plan.cluster(),
		Name:    "feedd", Version: cmp.Or(p.plan.Version, "1.2.3"), Tables: []string{"feedd"},
		OnTamper: func(err error) { say("tamper %v", err) },
	}, p)
	if p.plan.Exit != "" {
		say("exit")
		_ = p.do(context.Background(), "exit", p.plan.Exit)
	}
	return code
}

// say writes a line in one call, so that lines of several processes stay whole.
func say(format string, args ...any) {
	_, _ = os.Stdout.WriteString(strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " ") + "\n")
}

func (p *puppet) listen() {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		call, act, _ := strings.Cut(lines.Text(), " ")
		if call == "tell" {
			say("in force: %v", p.greeting.Load())
			continue
		}
		p.orders[call] <- act
	}
}

func (p *puppet) do(ctx context.Context, call, act string) error {
	what, text, _ := strings.Cut(act, " ")
	switch what {
	case "fail":
		return errors.New(text)
	case "panic":
		panic(text)
	case "crash":
		go panic(text)
		select {}
	case "leave":
		os.Exit(3)
	case "hang":
		select {}
	case "heed":
		<-ctx.Done()
		return ctx.Err()
	case "overlook":
		<-ctx.Done()
	case "wait":
		return p.do(ctx, call, <-p.orders[call])
	}
	return nil
}

func (p *puppet) Start(ctx context.Context, rt *service.Runtime) error {
	say("start")
	p.rt = rt
	if p.plan.Cluster != "" {
		say("leads %d", rt.Term().Token())
	}
	if p.plan.Child {
		if err := p.beget(); err != nil {
			return err
		}
	}
	if err := p.configure(); err != nil {
		return err
	}
	if err := p.do(ctx, "start", p.plan.Start); err != nil {
		return err
	}
	say("started")
	return nil
}

func (p *puppet) Recover(_ context.Context, last recovery.LastRun) error {
	if p.plan.Recover {
		say("recover %s, %s: %s", last.How(), last.Change, last.Outcome())
	}
	return nil
}

func (p *puppet) Stop(ctx context.Context) error {
	say("stop")
	return p.do(ctx, "stop", p.plan.Stop)
}

func (p *puppet) Reload(ctx context.Context) error {
	p.reloads++
	now, err := proc.Monotonic()
	if err != nil {
		return err
	}
	say("reload %d %d", p.reloads, now)
	if err := p.do(ctx, "reload", p.plan.Reload); err != nil {
		say("refused %d", p.reloads)
		return err
	}
	if err := p.configure(); err != nil {
		return err
	}
	say("reloaded %d", p.reloads)
	return nil
}

func (p *puppet) configure() error {
	own := struct {
		Greeting string `toml:"greeting"`
	}{Greeting: "none"}
	if err := p.rt.DecodeTable("feedd", &own); err != nil {
		return err
	}
	p.greeting.Store(own.Greeting)
	return nil
}

// beget starts a child as any program would, and passes it standard input and output.
func (p *puppet) beget() error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), roleVariable+"=foreign", envVariable+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd.Start()
}

// envVariable makes a foreign print its environment.
const envVariable = "HOLDFAST_TEST_TELL_ENV"

// foreignRole is a process that knows nothing of services. It prints which signals it gets,
// and lives until its standard input ends.
func foreignRole() int {
	signals := make(chan os.Signal, 10)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM)
	var told sync.WaitGroup
	told.Go(func() {
		for s := range signals {
			say("signal: %v", s)
		}
	})
	if os.Getenv(envVariable) != "" {
		for _, v := range os.Environ() {
			say("env %s", v)
		}
	}
	say("up")
	_, _ = io.Copy(io.Discard, os.Stdin)
	signal.Stop(signals) // waits until what has come is in the channel
	close(signals)
	told.Wait()
	say("end")
	return 0
}

// notifiedRole is a main function as many programs have it: with its own NotifyContext, which
// it passes to service.Run.
func notifiedRole() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	dir := os.Getenv(dirVariable)
	return service.ExitCode(service.Run(ctx, service.Config{
		Name: "feedd", RuntimeDir: filepath.Join(dir, "run"), StateDir: filepath.Join(dir, "state"),
	}, notified{}))
}

// dirVariable says where a service without a command line lives.
const dirVariable = "HOLDFAST_TEST_DIR"

type notified struct{}

func (notified) Start(_ context.Context, rt *service.Runtime) error {
	rt.OnStop("save", 0, func(context.Context) error { say("saved"); return nil })
	return nil
}

func (notified) Stop(context.Context) error { say("stop"); return nil }
