// Command candidate is a service called shipper that behaves as the last line of its own file
// says. So a script can make good and bad versions of it by appending a line:
//
//	holdfast-candidate: VERSION BEHAVIOUR
package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// program is this version. It is read before main, because some versions do not get that far.
var program = told()

func main() {
	if program.behaviour == "early" && runs() {
		os.Exit(3)
	}
	cfg := service.Config{Name: "shipper", Version: program.version}
	if program.behaviour == "configured" { // this version has a default configuration file
		cfg.DefaultFile = "# of version " + program.version + "\n[service]\nstop_timeout = \"7s\"\n"
	}
	var prog service.Program = &program
	if program.behaviour == "newer" {
		prog = &newer{&program}
	}
	os.Exit(cli.Main(cfg, prog))
}

// runs reports whether this process is the service.
func runs() bool { return len(os.Args) > 1 && os.Args[1] == "run" }

// told reads the last line of the program's own file.
func told() candidate {
	const mark = "\nholdfast-candidate: "
	c := candidate{"0", "good"}
	path, err := os.Executable()
	if err != nil {
		return c
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return c
	}
	const most = 200
	end := content[max(0, len(content)-most):]
	if i := bytes.LastIndex(end, []byte(mark)); i >= 0 {
		if words := strings.Fields(string(end[i+len(mark):])); len(words) > 1 {
			c = candidate{words[0], words[1]}
		}
	}
	if c.behaviour == "broken" || c.behaviour == "panics" && runs() {
		panic("an init of this version panics")
	}
	return c
}

type candidate struct{ version, behaviour string }

// hold begins the name of a file with which a script delays the start, reload, stop or
// recovery of a version.
const hold = "/var/log/app.hold-"

func held(what string) bool {
	_, err := os.Stat(hold + what)
	return err == nil
}

// wait blocks until the file for what is gone.
func wait(ctx context.Context, what string) error {
	for held(what) {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// Reload takes as long as a script wants.
func (c *candidate) Reload(ctx context.Context) error { return wait(ctx, "reload") }

// Start behaves as the last line of the file says.
func (c *candidate) Start(_ context.Context, rt *service.Runtime) error {
	switch c.behaviour {
	case "fragile":
		if held("start") {
			return errors.New("its database is down")
		}
	case "recovers":
		rt.HealthCheck("upstream", func(context.Context) error {
			if held("health") {
				return errors.New("not yet")
			}
			return nil
		})
	case "fails":
		return errors.New("port 99999 is none")
	case "exits":
		os.Exit(1)
	case "hangs":
		select {}
	case "dies":
		time.AfterFunc(time.Second, func() { os.Exit(1) })
	case "killed": // like a process that has used up all memory
		time.AfterFunc(time.Second, kill)
	case "leaks":
		time.AfterFunc(time.Second, leak)
	case "ignores":
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
	case "listens":
		return listen(rt)
	case "bursts":
		rt.Go("work", func(ctx context.Context) error {
			for !held("panic") {
				select {
				case <-ctx.Done():
					return nil
				case <-time.After(20 * time.Millisecond):
				}
			}
			panic("index out of range [7] with length 7")
		})
	case "hoards":
		return hoard(rt)
	}
	switch c.behaviour {
	case "sick", "deaf", "ignores":
		rt.HealthCheck("upstream", func(context.Context) error { return errors.New("no answer") })
	}
	return nil
}

// listen listens, without serving, at the address in a file that a script has written.
func listen(rt *service.Runtime) error {
	address, err := os.ReadFile("/var/log/app.listen")
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", strings.TrimSpace(string(address)))
	if err != nil {
		return err
	}
	rt.OnStop("listener", time.Second, func(context.Context) error { return l.Close() })
	return nil
}

// hoard keeps nearly as many files open as the limit allows.
func hoard(rt *service.Runtime) error {
	var kept []*os.File
	for held("files") && len(kept) < 50 {
		f, err := os.Open(os.DevNull)
		if err != nil {
			return err
		}
		kept = append(kept, f)
	}
	rt.OnStop("files", time.Second, func(context.Context) error {
		for _, f := range kept {
			_ = f.Close()
		}
		return nil
	})
	return nil
}

// kill ends this process with a signal that cannot be caught.
func kill() {
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill()
	}
}

// leak allocates memory until it is killed.
func leak() {
	for all := [][]byte{nil}; ; all[0] = all[len(all)-1] { // keeps all pages in use
		page := make([]byte, 1<<20)
		for i := range page {
			page[i] = byte(i)
		}
		all = append(all, page)
	}
}

// Stop never returns if the behaviour is deaf.
func (c *candidate) Stop(ctx context.Context) error {
	if c.behaviour == "deaf" {
		select {}
	}
	return wait(ctx, "stop")
}

// A newer is a version that needs a table unknown to earlier versions.
type newer struct{ *candidate }

type feed struct {
	Topic string `toml:"topic" help:"what to feed"`
}

func (*newer) Tables() map[string]any { return map[string]any{"feed": new(feed)} }

// Check reports a missing value in the table.
func (*newer) Check(_ context.Context, cfg service.Config) error {
	var f feed
	if err := cfg.DecodeTable("feed", &f); err != nil {
		return err
	}
	if f.Topic == "" {
		return errors.New("[feed] topic: missing")
	}
	return nil
}
