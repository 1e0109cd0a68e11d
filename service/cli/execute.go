package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/fatih/color"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/internal/hangup"
	"github.com/holdfast-dev/holdfast/service/logsink"
)

// adopt makes cmd and all commands below it follow the rules that apply wherever the tree is
// mounted. It uses no hooks: a PersistentPreRunE of ours would replace that of the host, and
// cobra.EnableTraverseRunHooks would change this for everybody.
func (a *app) adopt(cmd *cobra.Command) {
	cmd.SilenceUsage = true // an error is no reason to print the whole usage
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return &usageError{err}
			}
			return nil
		}
	}
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			a.begun = true
			err := a.inForm(cmd, a.run(cmd, args, run))
			cmd.SilenceErrors = cmd.SilenceErrors || Silent(err)
			if err != nil { // a host prints it unchanged
				err = &printableError{err}
			}
			return err
		}
	}
	for _, c := range cmd.Commands() {
		a.adopt(c)
	}
}

// started has the commands that managers start. They handle SIGHUP themselves.
var started = [...]string{runName, "spawn", "supervise"}

// unguarded has the commands that handle signals themselves. service.Run does so, and the
// program that spawn executes gets the signals that were sent to spawn.
var unguarded = [...]string{runName, "spawn"}

func (a *app) run(cmd *cobra.Command, args []string, run func(*cobra.Command, []string) error) error {
	if held := cmp.Or(a.hangup, hangup.Early()); !slices.Contains(started[:], cmd.Name()) {
		held.Release()
	}
	if a.unusable != nil {
		return a.unusable
	}
	if err := a.checkFlags(cmd); err != nil {
		return err
	}
	if err := a.notCarriedOut(cmd); err != nil {
		return err
	}
	a.cfg.Command = a.mounted(nil)
	a.code = a.cfg
	// An empty NO_COLOR counts as unset (https://no-color.org), which color does not know.
	if value, set := os.LookupEnv("NO_COLOR"); set && value == "" {
		_ = os.Unsetenv("NO_COLOR") // fails only for invalid names
		color.NoColor = os.Getenv("TERM") == "dumb"
	}
	// color checks whether this is a terminal, but not whether it shows colours.
	if !color.NoColor && !logsink.IsTerminal(os.Stdout.Fd()) {
		color.NoColor = true
	}
	if !slices.Contains(unguarded[:], cmd.Name()) {
		// An interrupted install is rolled back.
		ctx, stop := a.Interrupt(cmd.Context())
		defer stop()
		cmd.SetContext(ctx)
	}
	if err := a.absolute(); err != nil {
		return err
	}
	return run(cmd, args)
}

// internal has the commands that only our scripts call, with flags that may be empty.
var internal = [...]string{"spawn", "supervise", "await"}

// checkFlags refuses flag values that cannot make sense.
func (a *app) checkFlags(cmd *cobra.Command) (err error) {
	if slices.Contains(internal[:], cmd.Name()) {
		return nil
	}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		switch {
		case err != nil, !a.ours[f.Name] && cmd.LocalNonPersistentFlags().Lookup(f.Name) == nil: // the host's
		case f.Value.Type() == "string" && f.Value.String() == "" && f.Name != "instance": // an empty instance is the plain service
			err = usage("--%s is empty: give it a value, or leave it out", f.Name)
		case f.Name == "timeout" && a.timeout <= 0:
			err = usage("--timeout %v: it has to be more than 0; leave it out for the time that the configuration allows", a.timeout)
		case f.Name == "instance" && a.cfg.Instance != "":
			if bad := platform.CheckName(a.cfg.Instance); bad != nil {
				err = usage("--instance: %w", bad)
			}
		}
	})
	return err
}

// leavable runs f, which may read from a file that never answers. If ctx ends first, it
// returns without waiting for f.
func leavable[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// A usageError means that the command line makes no sense.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func isUsage(err error) bool {
	_, is := errors.AsType[*usageError](err)
	return is
}

func usage(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// A printableError is safe to print on a terminal, although it may quote a file or a process
// of somebody else.
type printableError struct{ error }

func (e *printableError) Error() string { return logsink.Printable(e.error.Error()) }
func (e *printableError) Unwrap() error { return e.error }

// An exitError ends the process with a code and prints nothing, because the command already
// has.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit code %d", e.code) }
