package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/supervise"
)

// The commands in this file are for the scripts of init systems. See
// platform.Commands for what they promise.

func (a *app) spawnCommand() *cobra.Command {
	var s supervise.Spawn
	var umask string
	var core uint64
	cmd := &cobra.Command{
		Use:    "spawn [flags] -- PROGRAM [ARGUMENT...]",
		Short:  "Become the service's user with its limits, and execute the program",
		Args:   cobra.MinimumNArgs(1),
		Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			mask, err := strconv.ParseUint(umask, 8, 9)
			if err != nil {
				return usage("--umask %q is not an octal mode", umask)
			}
			s.Umask, s.Argv = fs.FileMode(mask), args
			if cmd.Flags().Changed("core") {
				s.Core = &core
			}
			err = s.Exec()
			if final, ok := errors.AsType[*supervise.ForGoodError](err); ok {
				// End like the service did, so that the supervisor logs the truth.
				return errors.Join(&exitError{max(final.Code, 0)}, err)
			}
			if errors.Is(err, supervise.ErrImpossible) {
				err = fmt.Errorf("%w: %w", service.ErrConfig, err)
			}
			return fmt.Errorf("spawn %q: %w", a.cfg.Name, err)
		},
	}
	f := cmd.Flags()
	f.StringVar(&s.User, "user", "", "user `USER`, by name or number")
	f.StringVar(&s.Group, "group", "", "group `G` instead of the user's own")
	f.StringSliceVar(&s.Groups, "groups", nil, "further groups")
	f.StringVar(&umask, "umask", "0027", "file mode creation mask, octal")
	f.IntVar(&s.Nice, "nice", 0, "nice value")
	f.Uint64Var(&s.NoFile, "nofile", 0, "most open files")
	f.Uint64Var(&s.NProc, "nproc", 0, "most processes of the user")
	f.Uint64Var(&core, "core", 0, "largest core dump")
	f.BoolVar(&s.NoNewPrivileges, "no-new-privileges", false, "no privileges by setuid programs, where the system supports that")
	f.StringVar(&s.Directory, "directory", "", "working directory")
	f.StringVar(&s.Output, "output", "", "`FILE` for the output of the program")
	f.StringSliceVar(&s.Keep, "keep", nil, "names of variables to keep")
	f.StringVar(&s.Path, "path", "", "its PATH")
	f.StringVar(&s.Starter, "starter", "", "`NAME` of the starter")
	f.StringVar(&s.Sourced, "sourced", "", "`FILE` of shell commands that change its environment")
	f.StringVar(&s.Ended, "ended", "", "`FILE` that remembers how it ended")
	f.Func("restart", "`RULE` of the restart policy, with --ended", rule(&s.Restart))
	return cmd
}

func (a *app) superviseCommand() *cobra.Command {
	var p supervise.Parent
	var lend int
	cmd := &cobra.Command{
		Use:   "supervise [flags] -- PROGRAM [ARGUMENT...]",
		Short: "Run the program, and restart it when it has ended",
		Long: "Run the program, and restart it when it has ended, as --restart says. It gets SIGTERM, SIGINT and SIGHUP.\n\n" +
			"On Linux, the sockets of [[service.socket]] and the files of rt.Keep stay open meanwhile: the program gives them to this process, " +
			"and the next one gets them back, as from systemd (NOTIFY_SOCKET, LISTEN_FDS). They are closed when this process ends.",
		Hidden: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if lend != 0 {
				return cobra.NoArgs(cmd, args)
			}
			return cobra.MinimumNArgs(1)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if lend != 0 {
				return a.lend(cmd, lend)
			}
			p.Argv = args
			return a.supervise(cmd, p)
		},
	}
	f := cmd.Flags()
	f.Func("restart", "`RULE` of the restart policy; on-failure, if there is none", rule(&p.Restart))
	f.DurationVar(&p.Restart.Delay, "delay", 0, "before each restart")
	f.IntVar(&p.Restart.Max, "max", platform.NoLimit, "most restarts within the window; -1: no limit")
	f.DurationVar(&p.Restart.Window, "window", 0, "see --max")
	f.StringVar(&p.Starter, "starter", "", "`NAME` of the starter")
	f.IntVar(&lend, "lend", 0, "run nothing, and keep what the service's supervisor keeps, for its successor, while the process `N` lives; standard output is closed when that is so")
	return cmd
}

// lend is `supervise --lend`.
func (a *app) lend(cmd *cobra.Command, script int) error {
	t, err := a.targetRegardless(cmd)
	if err != nil {
		return err
	}
	h, ok := t.supervisor(cmd.Context())
	if !ok {
		return nil // there is nothing to lend
	}
	id, err := t.Process(script)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	go func() {
		_ = t.Wait(ctx, id)
		cancel()
	}()
	return supervise.Lend(ctx, h.PID, script, func() { _ = os.Stdout.Close() })
}

// rule returns the parser of a flag that says when the service is restarted.
func rule(r *platform.Restart) func(string) error {
	return func(word string) error {
		parsed, err := platform.ParseRule(word)
		r.Policy, r.Success = parsed.Policy, parsed.Success
		return err
	}
}

func (a *app) awaitCommand() *cobra.Command {
	var w wait
	cmd := &cobra.Command{
		Use:    "await",
		Short:  "Wait until the service is ready",
		Args:   cobra.NoArgs,
		Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := a.targetRegardless(cmd)
			if err != nil {
				return err
			}
			w.limit = a.limit(t.cfg.StartTimeout)
			if err := w.ready(cmd.Context(), t); err != nil {
				return fmt.Errorf("start %q: %w", t.id, err)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&w.starter, "starter", "", "`NAME` of the starter")
	f.IntVar(&w.pid, "pid", 0, "process `N` that it is, or is a child of")
	f.StringVar(&w.pidFile, "pid-file", "", "`FILE` that holds, or will hold, the number of such a process")
	return cmd
}
