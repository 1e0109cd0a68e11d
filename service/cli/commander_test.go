package cli_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// commander is a program with a command that says where the service is.
type commander struct {
	service.ProgramFunc
	found *cli.Found
	fails error
}

func (c commander) Commands(find cli.Find) []*cobra.Command {
	return []*cobra.Command{{
		Use: "where", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			*c.found, err = find(cmd)
			return errors.Join(err, c.fails)
		},
	}}
}

func TestAProgramsOwnCommandsFindTheService(t *testing.T) {
	p := newPlace(t)
	c := commander{func(context.Context, *service.Runtime) error { return nil }, &cli.Found{}, nil}
	p.prog = c
	if code, err := p.run("where"); code != 0 {
		t.Fatal(err)
	}
	if want := filepath.Join(p.cfg.StateDir, "feedd.orders"); c.found.StatePath(".orders") != want {
		t.Errorf("%q, want %q", c.found.StatePath(".orders"), want)
	}
	other := t.TempDir()
	if _, err := p.run("where", "--state-dir", other, "--instance", "b"); err != nil || c.found.StatePath("") != filepath.Join(other, "feedd@b") {
		t.Errorf("%q, %v", c.found.StatePath(""), err)
	}
	// Its errors are told and classed as all are.
	for code, err := range map[int]error{1: errors.New("broken"), 2: cli.Usage(errors.New("no such number")), 77: os.ErrPermission} {
		c.fails = err
		p.prog = c
		if got, told := p.run("where"); got != code || told == nil || !strings.Contains(told.Error(), err.Error()) {
			t.Errorf("%v ends with %d, want %d: %v", err, got, code, told)
		}
	}
	if code, _ := p.run("where", "else"); code != 2 {
		t.Errorf("an argument too many ends with %d", code)
	}
}

func TestAProgramsOwnCommandsWorkWithABadConfiguration(t *testing.T) {
	p := newPlace(t)
	c := commander{func(context.Context, *service.Runtime) error { return nil }, &cli.Found{}, nil}
	p.prog = c
	file := filepath.Join(p.dir, "bad.toml")
	if err := os.WriteFile(file, []byte("[service"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, err := p.run("where", "--config", file); code != 0 || c.found.Dirs.State != p.cfg.StateDir {
		t.Errorf("%d, %v: %+v", code, err, c.found)
	}
}
