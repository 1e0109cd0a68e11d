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

// adopt has cmd and all below it follow the rules that hold wherever the tree is
// mounted. It needs no hooks: a PersistentPreRunE of ours would take the place of
// the host's, which cobra.EnableTraverseRunHooks changes for everybody.
func (a *app) adopt(cmd *cobra.Command) {
	cmd.SilenceUsage = true // an error is not a reason to show all there is
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
			if err != nil { // a host prints it as it is
				err = &printableError{err}
			}
			return err
		}
	}
	for _, c := range cmd.Commands() {
		a.adopt(c)
	}
}

// started are the commands that managers start. What comes of a SIGHUP they
// decide themselves.
var started = [...]string{runName, "spawn", "supervise"}

// unguarded are the commands that have signals to themselves: service.Run does,
// and what spawn executes gets what spawn was sent.
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
	a.cfg.Command = a.mounted(nil)
	a.code = a.cfg
	// color asks whether it is a terminal, and not whether it shows colours.
	color.NoColor = color.NoColor || !logsink.IsTerminal(os.Stdout.Fd())
	if !slices.Contains(unguarded[:], cmd.Name()) {
		// An install that is interrupted is taken back.
		ctx, stop := a.Interrupt(cmd.Context())
		defer stop()
		cmd.SetContext(ctx)
	}
	if err := a.absolute(); err != nil {
		return err
	}
	return run(cmd, args)
}

// internal are the commands that only scripts of ours call, with flags that may well
// be empty.
var internal = [...]string{"spawn", "supervise", "await"}

// checkFlags refuses values of flags that can mean nothing.
func (a *app) checkFlags(cmd *cobra.Command) (err error) {
	if slices.Contains(internal[:], cmd.Name()) {
		return nil
	}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		switch {
		case err != nil, !a.ours[f.Name] && cmd.LocalNonPersistentFlags().Lookup(f.Name) == nil: // the host's
		case f.Value.Type() == "string" && f.Value.String() == "" && f.Name != "instance": // empty, that is the plain service
			err = usage("--%s is empty: give it a value, or leave it out", f.Name)
		case f.Name == "timeout" && a.timeout <= 0:
			err = usage("--timeout %v: it has to be more than 0; leave it out for what the configuration allows", a.timeout)
		case f.Name == "instance" && a.cfg.Instance != "":
			if bad := platform.CheckName(a.cfg.Instance); bad != nil {
				err = usage("--instance: %w", bad)
			}
		}
	})
	return err
}

// leavable runs f, which may read from a file that never answers, and returns
// without it when ctx ends first.
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

// usageError means that the command line makes no sense.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func isUsage(err error) bool {
	_, is := errors.AsType[*usageError](err)
	return is
}

func usage(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// printableError is an error that a terminal may be shown: what it quotes may come
// from a file or a process of somebody else's.
type printableError struct{ error }

func (e *printableError) Error() string { return logsink.Printable(e.error.Error()) }
func (e *printableError) Unwrap() error { return e.error }

// exitError ends with a code and says nothing: the command has spoken.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit code %d", e.code) }
