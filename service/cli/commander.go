package cli

import (
	"errors"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

// A Commander is a Program with its own commands, in addition to those of every service.
type Commander interface {
	// Commands is called once for each command tree, before the command line is read. [Main]
	// does not call it for `run`, which needs no other command. When the commands run, they
	// use find to learn about the service. [ExitCode] turns their errors into exit codes, and
	// errors are printed like those of all commands. In an Example that begins with "  PROGRAM ",
	// each PROGRAM is replaced by the path of the tree.
	Commands(find Find) []*cobra.Command
}

// A Find returns the service of a running command, according to its flags, the manager and the
// flags of the installation. It ignores a configuration file that cannot be used.
type Find func(cmd *cobra.Command) (Found, error)

// A Found is the service that a command is about.
type Found struct {
	ID     platform.ID
	Config service.Config
	Dirs   service.Dirs
}

// StatePath returns the same path as [service.Runtime.StatePath] does in the running service.
func (f Found) StatePath(suffix string) string {
	return filepath.Join(f.Dirs.State, f.ID.String()+suffix)
}

// Usage marks err as a wrong command line, for which [ExitCode] returns 2.
func Usage(err error) error { return &usageError{err} }

func (a *app) find(cmd *cobra.Command) (Found, error) {
	t, err := a.targetRegardless(cmd)
	if err != nil {
		return Found{}, err
	}
	if t.dirs.State == "" {
		return Found{}, errors.New("it has no state directory: set it with --state-dir")
	}
	return Found{ID: t.id, Config: t.cfg, Dirs: t.dirs}, nil
}
