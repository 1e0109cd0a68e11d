//go:build unix

package supervise_test

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/supervise"
)

// The child fails each time. It is restarted as often as the policy allows, and then given up.
func ExampleParent_Run() {
	p := supervise.Parent{
		Argv:    []string{"/bin/sh", "-c", "echo it runs; exit 3"},
		Restart: platform.Restart{Policy: platform.RestartOnFailure, Delay: time.Millisecond, Max: 2, Window: time.Hour},
		Log:     func(string, ...any) {},
		Leaves:  func(ended platform.Exit, tooOften bool) { fmt.Println("given up:", tooOften, ended.Words()) },
	}
	code, err := p.Run(context.Background())
	fmt.Println(code, err)
	// Output:
	// it runs
	// it runs
	// it runs
	// given up: true exit code 3
	// 3 <nil>
}
