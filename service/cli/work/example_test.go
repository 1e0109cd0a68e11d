package work_test

import (
	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/service/cli/work"
)

type worker struct{}

// Commands adds `work list`, `work show` and so on to the command line.
func (worker) Commands(find cli.Find) []*cobra.Command {
	return []*cobra.Command{work.Command(find)}
}

func Example() {
	var _ cli.Commander = worker{} // cli.Main asks it
}
