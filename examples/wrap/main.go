// Command wrap makes any program a service of the machine, without a line of Go. See
// README.md.
package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/service/wrap"
)

var version = "dev" // set by the linker

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	root := &cobra.Command{
		Use:     "wrap COMMAND NAME",
		Short:   "Run any program as a service",
		Long:    long(),
		Version: version,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	w, err := parse(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "wrap: %v\nTry \"wrap --help\".\n", err)
		return cli.ExitCode(err)
	}
	if w.name == "" {
		root.SetArgs(w.args)
		return cli.Execute(root)
	}
	cfg := description(w.name)
	if cfg.DefaultFile, err = w.file(); err != nil {
		fmt.Fprintf(os.Stderr, "wrap: %v\n", err)
		return cli.ExitCode(err)
	}
	cfg.DefaultFileSecret = w.secret()
	if err := w.foreign(cfg); err != nil {
		fmt.Fprintf(os.Stderr, "wrap: %v\n", err)
		return 1
	}
	tree := cli.CommandFor(cfg, new(wrap.Program), w.args)
	for _, cmd := range tree.Commands() {
		if slices.Contains(takeCommand(), cmd.Name()) { // only for the help: parse has read them
			cmd.Use += " [-- PROGRAM [ARGUMENT...]]"
			cmd.Flags().StringArray(setFlag, nil, "`KEY=VALUE` of the table [wrap], or of another: service.user=redis")
		}
	}
	root.AddCommand(tree)
	root.SetArgs(append([]string{w.name}, w.args...))
	code := cli.Execute(root)
	if code == 0 && w.verb == "install" && !w.dry && cfg.DefaultFile != "" {
		if err := w.taken(cfg); err != nil {
			fmt.Fprintf(os.Stderr, "wrap: %v\n", err)
			return 1
		}
	}
	return code
}

// description returns the configuration of the service of that name that is set in code.
func description(name string) service.Config {
	return service.Config{Name: name, Version: version, Hardening: service.Hardening{
		MemoryDenyWrite: service.Off, // just-in-time compilers (Java, JavaScript) need it off
	}}
}

// verbs returns the commands that every service has. It is a list, because building the tree of
// the commands only to read their names would delay each start.
func verbs() []string {
	return []string{
		"alarm", "await", "bugreport", "check", "completion", "config", "doctor", "fleet", "help", "install", "logs", "man", "migrate", "plan", "reload",
		"restart", "rollback", "run", "spawn", "start", "status", "stop", "supervise", "uninstall", "upgrade", "version", "versions",
	}
}

// suggestion returns the commands that are similar to word, as an end of an error, or "".
func suggestion(word string) string {
	tree := cli.Command(description("any"), new(wrap.Program))
	if near := tree.SuggestionsFor(word); len(near) > 0 {
		return ": did you mean " + strings.Join(near, ", ") + "?"
	}
	return ""
}

// takeCommand returns the commands that are followed by the command to wrap.
func takeCommand() []string { return []string{"install", "plan"} }

func long() string {
	return `Run any program as a service of the machine's service manager: ready when it says so,
reloaded, restarted, stopped with all its processes, with its output in the log.

    wrap install NAME [--set KEY=VALUE]... [--start] -- PROGRAM [ARGUMENT...]
    wrap start NAME      wrap status NAME     wrap logs NAME
    wrap reload NAME     wrap stop NAME       wrap uninstall NAME

install writes the configuration of NAME, a file with the table [wrap], and uninstall removes
it. "wrap config print NAME" shows all its keys; "wrap help NAME" lists the other commands.`
}

var errUsage = errors.New("wrap COMMAND NAME, as in: wrap install redis -- /usr/bin/redis-server")
