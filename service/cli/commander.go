package cli

import (
	"errors"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

// Commander is a Program with commands of its own beside those that every service has.
type Commander interface {
	// Commands is called once for each command tree, before the command line is read; by
	// [Main] not for `run`, which needs no other command. What the commands find out about
	// the service they ask find for, when they run. Their errors become exit codes by
	// [ExitCode], and are printed as all are.
	Commands(find Find) []*cobra.Command
}

// Find is where the service of a running command is, as its flags, the manager and what
// install was told have it. A configuration file that cannot be used is left out.
type Find func(cmd *cobra.Command) (Found, error)

// Found is a service that a command is about.
type Found struct {
	ID     platform.ID
	Config service.Config
	Dirs   service.Dirs
}

// StatePath is what [service.Runtime.StatePath] is to the running service.
func (f Found) StatePath(suffix string) string {
	return filepath.Join(f.Dirs.State, f.ID.String()+suffix)
}

// Usage is err as one of the command line: [ExitCode] has 2 for it.
func Usage(err error) error { return &usageError{err} }

func (a *app) find(cmd *cobra.Command) (Found, error) {
	t, err := a.targetRegardless(cmd)
	if err != nil {
		return Found{}, err
	}
	if t.dirs.State == "" {
		return Found{}, errors.New("it has no state directory: say it by --state-dir")
	}
	return Found{ID: t.id, Config: t.cfg, Dirs: t.dirs}, nil
}
