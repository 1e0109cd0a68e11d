//go:build linux || darwin || windows

package service_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/logsink"
)

// A notebook keeps a file of notes. Its version 2 has added an index.
type notebook struct{ stop context.CancelFunc }

func (n *notebook) Migrate(ctx context.Context, m service.Migration) error {
	index := service.FromContext(ctx).StatePath(".index")
	fmt.Printf("migrate from %q to %q\n", m.From, m.To)
	switch m.To {
	case "1": // version 1 has no index, and would not keep it up to date
		if err := os.Remove(index); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	default: // the notes do not change, so that version 1 can read them
		return os.WriteFile(index, nil, 0o600)
	}
}

func (n *notebook) Start(_ context.Context, rt *service.Runtime) error {
	rt.Go("tidy up", func(ctx context.Context) error {
		if rt.Confirmed(ctx) == nil { // otherwise it stops on trial, and the next run tries again
			return os.RemoveAll(rt.StatePath(".old")) // only the previous version reads it
		}
		return nil
	})
	n.stop()
	return nil
}

func (n *notebook) Stop(context.Context) error { return nil }

// Each version is told once which version the data is of, also after a rollback.
func ExampleMigrator() {
	dir, err := os.MkdirTemp("", "notebook")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for _, version := range []string{"1", "1", "2", "1"} {
		ctx, stop := context.WithCancel(context.Background())
		err := service.Run(ctx, service.Config{
			Name: "notebook", Version: version, RuntimeDir: filepath.Join(dir, "run"), StateDir: filepath.Join(dir, "state"),
			Log: logsink.Options{Level: "error"},
		}, &notebook{stop})
		stop()
		fmt.Println("version", version, "ended with", service.ExitCode(err))
	}
	// Output:
	// migrate from "" to "1"
	// version 1 ended with 0
	// version 1 ended with 0
	// migrate from "1" to "2"
	// version 2 ended with 0
	// migrate from "2" to "1"
	// version 1 ended with 0
}
