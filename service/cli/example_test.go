package cli_test

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// A courier is a minimal program.
type courier struct{}

func (courier) Start(context.Context, *service.Runtime) error { return nil }
func (courier) Stop(context.Context) error                    { return nil }

// This is the whole main of a service.
func ExampleMain() {
	os.Exit(cli.Main(service.Config{Name: "feedd", Description: "Feeds"}, courier{}))
}

// The service is one command of a bigger application. The installed definition calls it at its
// place in the tree.
func ExampleCommand() {
	root := &cobra.Command{Use: "acme"}
	group := &cobra.Command{Use: "agent", Short: "All about the agent"}
	root.AddCommand(group)
	group.AddCommand(cli.Command(service.Config{Name: "acme-agent"}, courier{}))

	var out strings.Builder
	root.SetOut(&out)
	root.SetArgs(strings.Fields("agent acme-agent plan --manager systemd --scope system --program /usr/bin/acme"))
	err := root.Execute() // in a real main: os.Exit(cli.ExitCode(root.Execute()))
	for line := range strings.Lines(out.String()) {
		if _, command, ok := strings.Cut(line, "ExecStart="); ok {
			fmt.Print(command)
		}
	}
	fmt.Println("exit code", cli.ExitCode(err))
	// Output:
	// /usr/bin/acme agent acme-agent run --scope system
	// exit code 0
}

// This is the whole main of an application in which the service is one command among others.
// Each error is printed once, and a wrong command line exits with 2.
func ExampleExecute() {
	root := &cobra.Command{Use: "acme"}
	root.AddCommand(cli.Command(service.Config{Name: "acme-agent"}, courier{}))

	root.SetArgs([]string{"acme-agent", "status", "--bogus"}) // in a real main, os.Args
	fmt.Println("exit code", cli.Execute(root))               // in a real main: os.Exit(cli.Execute(root))
	// Output:
	// exit code 2
}
