package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/service"
)

// usualFile returns the path of the default configuration, for the help.
func usualFile(cfg service.Config) string {
	d, err := cfg.DirsFor(platform.ScopeSystem)
	if err != nil { // a service without a name
		return "NAME.toml in its configuration directory"
	}
	return configIn(d, cfg.ID(""))
}

func configIn(d service.Dirs, id platform.ID) string {
	return filepath.Join(d.Config, id.String()+".toml")
}

// defaultFile makes a.cfg use the configuration file in the service's configuration directory,
// if it exists and nobody has named another one. It returns the path of that file, whether it
// exists or not. The path is empty if there is no such directory.
func (a *app) defaultFile(cmd *cobra.Command, scope platform.Scope) (path string, err error) {
	d, err := a.cfg.DirsFor(scope)
	if err != nil || d.Config == "" {
		return "", nil //nolint:nilerr // a user without a home has no configuration there
	}
	path = configIn(d, a.cfg.ID(scope))
	if a.cfg.File != "" || a.fileless || cmd.Flags().Changed("config") {
		return path, nil
	}
	there, err := leavable(cmd.Context(), func() (bool, error) {
		info, err := a.System.Stat(path)
		if err != nil || info.IsDir() {
			return false, nil //nolint:nilerr // there is no file that we could read
		}
		return true, files.CheckDir(d.Config)
	})
	if errors.Is(err, files.ErrUntrusted) {
		return path, service.BadConfig(fmt.Errorf("%s: %w; or use --config FILE", path, err))
	}
	if err == nil && there {
		a.cfg.File = path
	}
	return path, err
}

// findFile makes a.cfg use the default configuration file, if it exists and is for the machine
// that the command is about.
func (a *app) findFile(cmd *cobra.Command, t *target, scope platform.Scope) (err error) {
	if a.here() {
		t.usual, err = a.defaultFile(cmd, scope)
		return err
	}
	look := *a
	if _, err := look.defaultFile(cmd, scope); err == nil && look.cfg.File != a.cfg.File {
		t.passedOver = look.cfg.File
	}
	return nil
}

// configuration describes for people which file is in force.
func (t *target) configuration() string {
	switch {
	case t.cfg.File != "":
		return t.cfg.File
	case t.usual != "":
		return "none; there is no " + t.usual
	}
	return "none"
}

// helpOnConfig adds to the help of every command about a service which configuration is in force
// here. Manual pages do not have this, because they are made elsewhere.
func (a *app) helpOnConfig() {
	plain := (&cobra.Command{}).HelpFunc()
	a.root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		cmd.Example = called(a.root, cmd)
		show := hideFlags(a.root, cmd)
		defer show()
		if parent := a.root.Parent(); parent != nil {
			parent.HelpFunc()(cmd, args)
		} else {
			plain(cmd, args)
		}
		if text := a.inForce(cmd); text != "" && aboutService(cmd) {
			fmt.Fprintf(cmd.OutOrStdout(), "\nConfiguration in force here: %s\n", text)
		}
	})
}

func (a *app) inForce(cmd *cobra.Command) string {
	if a.unusable != nil {
		return ""
	}
	ctx := cmd.Context()
	if ctx == nil { // cobra sets no context before it has found the command
		ctx = context.Background()
	}
	look := *a
	scope, err := look.scopeFlag()
	if err != nil {
		return ""
	}
	if scope == "" {
		scope = a.Scope()
	}
	cmd.SetContext(ctx)
	t := &target{machine: a.machine, id: a.cfg.ID(scope)}
	if err := look.recall(cmd, t); err != nil {
		return ""
	}
	if t.usual, err = look.defaultFile(cmd, scope); err != nil {
		return ""
	}
	t.cfg = look.cfg
	return t.configuration()
}
