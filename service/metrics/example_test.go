package metrics_test

import (
	"os"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/service/metrics"
)

// A program with metrics has one more line. Nothing listens until [service.metrics] asks for
// it.
func Example() {
	var program service.Program // your own
	os.Exit(cli.Main(service.Config{
		Name:       "feedd",
		Extensions: []service.Extension{metrics.New()},
	}, program))
}
