//go:build linux || darwin || windows

package service_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/logsink"
)

// A greeter is a service that requests its own stop as soon as it is ready.
type greeter struct{ stop context.CancelFunc }

func (g *greeter) Start(_ context.Context, rt *service.Runtime) error {
	fmt.Println("start", rt.Config().Name)
	rt.OnStop("close the books", 0, func(context.Context) error {
		fmt.Println("close the books")
		return nil
	})
	g.stop()
	return nil
}

func (g *greeter) Stop(context.Context) error {
	fmt.Println("stop")
	return nil
}

// A service without a command line calls Run. Most programs call cli.Main instead, which calls
// Run.
func ExampleRun() {
	dir, err := os.MkdirTemp("", "greeter")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	err = service.Run(ctx, service.Config{
		Name: "greeter", RuntimeDir: filepath.Join(dir, "run"), StateDir: filepath.Join(dir, "state"),
		Log: logsink.Options{Level: "error"},
	}, &greeter{stop})
	fmt.Println("exit code", service.ExitCode(err))
	// Output:
	// start greeter
	// stop
	// close the books
	// exit code 0
}
