// Command viacli is the minimal program through cli.Main.
package main

import (
	"os"

	"github.com/holdfast-dev/holdfast/service/cli"

	"github.com/holdfast-dev/holdfast/test/bench/programs/minimal"
)

func main() { os.Exit(cli.Main(minimal.Config(), minimal.Program{})) }
