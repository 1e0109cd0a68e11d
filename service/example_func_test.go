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

// The whole life of this program is one function. It reports when it is ready, and returns
// when its context ends, or earlier if its work is done.
func ExampleProgramFunc() {
	program := service.ProgramFunc(func(ctx context.Context, rt *service.Runtime) error {
		rt.Ready()
		fmt.Println("serving with", rt.Args())
		select {
		case <-ctx.Done(): // a stop was requested
		default: // there is nothing to do
		}
		return nil
	})

	dir, err := os.MkdirTemp("", "oneshot")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	err = service.Run(context.Background(), service.Config{
		Name: "oneshot", Args: []string{"--verbose"}, RuntimeDir: filepath.Join(dir, "run"), StateDir: filepath.Join(dir, "state"),
		Log: logsink.Options{Level: "error"},
	}, program)
	fmt.Println("exit code", service.ExitCode(err))
	// Output:
	// serving with [--verbose]
	// exit code 0
}
