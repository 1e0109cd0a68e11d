// Command shipper follows log files and appends the matching lines to one output file, each
// exactly once, even across kill -9. See README.md.
package main

import (
	"os"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
)

var version = "dev" // set by the linker

func main() { os.Exit(cli.Main(description(), new(program))) }

func description() service.Config {
	return service.Config{
		Name:        "shipper",
		DisplayName: "Log shipper",
		Description: "Appends matching lines of log files to one file, exactly once",
		Version:     version,
	}
}
