package cli_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// A start does without all other commands if the command is run, wherever that word is in the
// line, and only then.
func TestRunNeedsNoTree(t *testing.T) {
	for line, want := range map[string]bool{
		"run": true, "run a b": true, "run -- status": true, "run --as-root": true, "run --help": true, "run --no-such": true, "run status": true,
		"--config f run": true, "--config=f run": true, "-q run": true, "--quiet run a": true, "--instance run run": true, "--version run": true,
		"": false, "rum": false, "ru": false, "help run": false, "status run": false, "--config run": false, "--instance run status": false,
		"--help run": false, "-h run": false, "-- run": false, "__complete run": false, "completion run": false,
	} {
		if got := cli.Trunk(service.Config{Name: "feedd"}).Runs(strings.Fields(line)); got != want {
			t.Errorf("%q: %v, want %v", line, got, want)
		}
	}
}

// A mounted tree has the other commands unless its first argument is run.
func TestMountedRunNeedsNoTree(t *testing.T) {
	for line, want := range map[string]bool{
		"run": true, "run --config f": true, "run status": true, "": false, "status": false, "--config f run": false, "help run": false,
	} {
		tree := cli.CommandFor(service.Config{Name: "feedd"}, nil, strings.Fields(line))
		if alone := len(tree.Commands()) == 1; alone != want || tree.Commands()[0].Name() != "run" && want {
			t.Errorf("%q: alone %v, want %v", line, alone, want)
		}
	}
}

// Without the other commands, run prints the same help and the same refusals as with them.
func TestRunAloneSaysTheSame(t *testing.T) {
	for _, line := range []string{"run --help", "run -h", "-q run --help", "run --no-such", "run -x", "run --config", "run --timeout x", "run --timeout=-1s", "run --scope x", "run --config=", "run --instance a/b"} {
		cfg := service.Config{Name: "feedd", DisplayName: "Feed"}
		var said [2]string
		for i, tree := range []cli.App{cli.Trunk(cfg), cli.Grown(cfg)} {
			var out bytes.Buffer
			tree.Root().SetOut(&out)
			tree.Root().SetErr(&out)
			tree.Root().SetArgs(strings.Fields(line))
			err := tree.Root().ExecuteContext(context.Background())
			said[i] = out.String()
			if err != nil {
				said[i] += err.Error()
			}
		}
		if said[0] != said[1] || said[0] == "" {
			t.Errorf("%q: alone it says\n%s\nand as one of all\n%s", line, said[0], said[1])
		}
	}
}
