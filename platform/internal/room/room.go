// Package room has what the managers' packages (systemd, launchd, scm, ...) and their
// companions have in common. These do not import each other, and all may import this package.
// It knows no manager.
package room

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// Pause waits for d between two queries. If ctx ends first, it returns the cause.
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

// Absent reports whether nothing exists at path. If that cannot be determined, it returns
// false: a caller that relied on absence would later remove what it found as its own.
func Absent(sys platform.System, path string) bool {
	_, err := sys.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// Drop returns the steps that undo the making of a directory. They keep it if somebody has put
// something into it.
func Drop(dir string) []platform.Step {
	return []platform.Step{{Kind: platform.StepDropDir, Describe: dir, Path: dir}}
}

// TakeEnv reads an environment variable and removes it, so that child processes do not inherit
// it.
func TakeEnv(name string) string {
	value, ok := os.LookupEnv(name)
	if ok {
		_ = os.Unsetenv(name) // fails only for invalid names
	}
	return value
}
