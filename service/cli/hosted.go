package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/logsink"
)

// Execute is the whole main of a program that mounts [Command] in its own command line. It
// runs the command in os.Args, prints an error once, in the form that [Main] uses, and returns
// the exit code for the process. The code is 2 if the command line makes no sense, both for
// the commands of the service and for those of the host.
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

// printError prints an error, unless the command has already reported it.
func printError(root, cmd *cobra.Command, err error, code int) {
	if err == nil || Silent(err) {
		return
	}
	text := fmt.Sprintf("%s: %s\n", root.Name(), logsink.Printable(err.Error()))
	if code == platform.ExitUsage {
		text += fmt.Sprintf("Try \"%s --help\".\n", cmd.CommandPath())
	}
	logsink.PrintError(text) // the process must not block because nobody reads its standard error
}

// stages records how far a command line has come. cobra itself does not say whether an error
// is its own refusal.
type stages struct {
	begun, ran bool
	unknown    error // an unknown command in a group of the host, for which cobra shows the help of the group
}

func (s *stages) refused(cmd *cobra.Command) bool {
	return !s.begun || !s.ran && cmd.ValidateRequiredFlags() != nil
}

// watch makes cmd and all commands below it record that they run.
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

// refuse makes a group report an unknown command, instead of showing its help, unless --help
// was given.
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

// misused reports whether err is about a flag that could not be parsed.
func misused(err error) bool {
	var unknown *pflag.NotExistError
	var bare *pflag.ValueRequiredError
	var value *pflag.InvalidValueError
	var syntax *pflag.InvalidSyntaxError
	return errors.As(err, &unknown) || errors.As(err, &bare) || errors.As(err, &value) || errors.As(err, &syntax)
}
