// Command jobs runs commands by a timetable, by hand and by an HTTP API, and finishes what a
// crash interrupted. See README.md.
package main

import (
	"os"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
)

var version = "dev" // set by the linker

func main() {
	if len(os.Args) == 3 && os.Args[1] == keeperCommand {
		os.Exit(keep(os.Args[2], os.Stdin))
	}
	os.Exit(cli.Main(description(), new(program)))
}

func description() service.Config {
	return service.Config{
		Name:        "jobs",
		DisplayName: "Job runner",
		Description: "Runs commands by a timetable, by hand and by an HTTP API",
		Version:     version,
	}
}
