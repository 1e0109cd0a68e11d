// Package room has what the packages of the managers (systemd, launchd, scm, ...)
// and of what lies beside them have in common. They do not import each other: it
// is the one package below all of them, and has no knowledge of any manager.
package room

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// Pause lets some time pass between two queries. It returns early, with the cause,
// when ctx ends.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// Absent reports whether there is nothing at path. Where that cannot be told, there
// may be something: whoever made it in the belief that there is nothing would take
// that away with his own.
func Absent(sys platform.System, path string) bool {
	_, err := sys.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// Drop are the steps that take back that a directory was made: if nobody has put
// anything into it.
func Drop(dir string) []platform.Step {
	return []platform.Step{{Kind: platform.StepDropDir, Describe: dir, Path: dir}}
}

// TakeEnv reads a variable of the environment and removes it, so that no child
// takes it for its own.
func TakeEnv(name string) string {
	value, ok := os.LookupEnv(name)
	if ok {
		_ = os.Unsetenv(name) // fails for impossible names only
	}
	return value
}
