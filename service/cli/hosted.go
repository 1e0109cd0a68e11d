package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/logsink"
)

// Execute is all of the main of a program with a command line of its own, in which
// [Command] is mounted: it runs the command that os.Args names, prints an error once,
// in the form that [Main] has, and returns the exit code of the process. A command
// line that makes no sense is 2, be it for a command of the service or of the host's.
func Execute(root *cobra.Command) int {
	var s stages
	s.watch(root)
	root.SilenceErrors, root.SilenceUsage = true, true
	cmd, err := root.ExecuteC()
	if err == nil {
		err = s.unknown
	}
	code := ExitCode(err)
	if err != nil && s.refused(cmd) {
		code = platform.ExitUsage
	}
	printError(root, cmd, err, code)
	return code
}

// printError prints an error that has not been told.
func printError(root, cmd *cobra.Command, err error, code int) {
	if err == nil || Silent(err) {
		return
	}
	text := fmt.Sprintf("%s: %s\n", root.Name(), logsink.Printable(err.Error()))
	if code == platform.ExitUsage {
		text += fmt.Sprintf("Try \"%s --help\".\n", cmd.CommandPath())
	}
	logsink.PrintError(text) // a standard error that nobody reads must not keep the process
}

// stages is how far a command line has come: cobra itself does not say of an error
// whether it is its own refusal.
type stages struct {
	begun, ran bool
	unknown    error // a command that one of the host's groups does not have: cobra shows the group's help
}

func (s *stages) refused(cmd *cobra.Command) bool {
	return !s.begun || !s.ran && cmd.ValidateRequiredFlags() != nil
}

// watch has all commands from cmd on say that they are at work.
func (s *stages) watch(cmd *cobra.Command) {
	noted := func(what func(*cobra.Command, []string), runs bool) func(*cobra.Command, []string) {
		if what == nil {
			return nil
		}
		return func(cmd *cobra.Command, args []string) {
			s.begun, s.ran = true, s.ran || runs
			what(cmd, args)
		}
	}
	notedE := func(what func(*cobra.Command, []string) error, runs bool) func(*cobra.Command, []string) error {
		if what == nil {
			return nil
		}
		return func(cmd *cobra.Command, args []string) error {
			s.begun, s.ran = true, s.ran || runs
			return what(cmd, args)
		}
	}
	cmd.PersistentPreRun, cmd.PersistentPreRunE = noted(cmd.PersistentPreRun, false), notedE(cmd.PersistentPreRunE, false)
	cmd.PreRun, cmd.PreRunE = noted(cmd.PreRun, false), notedE(cmd.PreRunE, false)
	cmd.Run, cmd.RunE = noted(cmd.Run, true), notedE(cmd.RunE, true)
	if cmd.HasParent() && cmd.HasSubCommands() && !cmd.Runnable() {
		s.refuse(cmd)
	}
	for _, c := range cmd.Commands() {
		s.watch(c)
	}
}

// refuse has a group that is given something else than one of its commands, and no
// --help, say that rather than show its help.
func (s *stages) refuse(group *cobra.Command) {
	help := group.HelpFunc()
	group.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		wanted := cmd.Flags().Lookup("help")
		if cmd == group && cmd.Flags().NArg() > 0 && (wanted == nil || !wanted.Changed) {
			s.unknown = usage("unknown command %q for %q", cmd.Flags().Arg(0), cmd.CommandPath())
			return
		}
		help(cmd, args)
	})
}

// misused reports whether err is a flag that could not be read.
func misused(err error) bool {
	var unknown *pflag.NotExistError
	var bare *pflag.ValueRequiredError
	var value *pflag.InvalidValueError
	var syntax *pflag.InvalidSyntaxError
	return errors.As(err, &unknown) || errors.As(err, &bare) || errors.As(err, &value) || errors.As(err, &syntax)
}
