// Command jobs runs commands by a timetable, by hand and by an HTTP API, and finishes what a
// crash interrupted. See README.md.
package main

import (
	"os"

	"github.com/holdfast-dev/holdfast/examples/jobs/runner"
)

var version = "dev" // set by the linker

func main() { os.Exit(runner.Main(runner.Description(version), nil)) }
