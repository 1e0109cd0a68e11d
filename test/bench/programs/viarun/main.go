// Command viarun is the minimal program through service.Run.
package main

import (
	"context"
	"os"

	"github.com/holdfast-dev/holdfast/service"

	"github.com/holdfast-dev/holdfast/test/bench/programs/minimal"
)

func main() {
	os.Exit(service.ExitCode(service.Run(context.Background(), minimal.Config(), minimal.Program{})))
}
