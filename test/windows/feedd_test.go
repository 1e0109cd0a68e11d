//go:build windows

package windows_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// acts are the table [feedd]: how the service behaves. An act is
//
//	""           succeed at once
//	"fail TEXT"  return an error
//	"panic TEXT" panic
//	"hang"       never return
//	"work D"     take that long, with progress each half second
//	"wait D"     take that long
type acts struct {
	Start  string `toml:"start"`
	Stop   string `toml:"stop"`
	Reload string `toml:"reload"`
	Exit   string `toml:"exit"` // between the end of cli.Main and the end of the process; it has no progress to report
	Tell   string `toml:"tell"` // file for a line about each thing that happens
}

type feedd struct {
	rt *service.Runtime

	mu   sync.Mutex
	acts acts
}

// unlimited is the time limit for parts of a service's life that no test wants to be cut off,
// however slow the machine is.
const unlimited = time.Hour

// foreignMain is a process of the same image that knows nothing of the service. It lives until its standard input ends.
func foreignMain() int {
	fmt.Println("up")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// feeddMain is the whole main function of the service.
func feeddMain() int {
	f := new(feedd)
	code := cli.Main(service.Config{
		Name: "feedd", Version: "1.2.3", Tables: []string{"feedd"}, StartTimeout: unlimited, StopTimeout: unlimited, ReloadTimeout: unlimited,
	}, f)
	if act := f.current().Exit; act != "" {
		_ = f.do(context.Background(), act)
		f.tell("exit")
	}
	return code
}

func (f *feedd) Start(ctx context.Context, rt *service.Runtime) error {
	f.rt = rt
	if err := f.configure(); err != nil {
		return err
	}
	argv, err := json.Marshal(os.Args)
	if err != nil {
		return err
	}
	f.tell("start %d %s", os.Getpid(), argv)
	if err := f.do(ctx, f.current().Start); err != nil {
		return err
	}
	f.tell("started")
	return nil
}

func (f *feedd) Stop(ctx context.Context) error {
	f.tell("stop")
	err := f.do(ctx, f.current().Stop)
	f.tell("stopped")
	return err
}

func (f *feedd) Reload(ctx context.Context) error {
	f.tell("reload")
	if err := f.configure(); err != nil {
		return err
	}
	if err := f.do(ctx, f.current().Reload); err != nil {
		return err
	}
	f.tell("reloaded")
	return nil
}

func (f *feedd) configure() error {
	var fresh acts
	if err := f.rt.DecodeTable("feedd", &fresh); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.acts = fresh
	return nil
}

func (f *feedd) current() acts {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.acts
}

func (f *feedd) do(ctx context.Context, act string) error {
	what, text, _ := strings.Cut(act, " ")
	switch what {
	case "fail":
		return errors.New(text)
	case "panic":
		panic(text)
	case "hang":
		select {}
	case "work", "wait":
		d, err := time.ParseDuration(text)
		if err != nil {
			return err
		}
		return f.pass(ctx, d, what == "work")
	}
	return nil
}

func (f *feedd) pass(ctx context.Context, d time.Duration, progress bool) error {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(d); time.Now().Before(end); {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
			if progress {
				f.rt.Progress(fmt.Sprintf("%v to go", time.Until(end).Round(time.Second)))
			}
		}
	}
	return nil
}

// tell writes a line in one call, because several processes may write to the same file.
func (f *feedd) tell(format string, args ...any) {
	file, err := os.OpenFile(f.current().Tell, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		f.rt.Logger().Error("tell", "error", err)
		return
	}
	defer file.Close()
	_, _ = fmt.Fprintf(file, format+"\n", args...)
}
