package metrics_test

import (
	"os"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/service/metrics"
)

// A program with metrics is one line longer. Nothing listens until [service.metrics] says so.
func Example() {
	var program service.Program // your own
	os.Exit(cli.Main(service.Config{
		Name:       "feedd",
		Extensions: []service.Extension{metrics.New()},
	}, program))
}
