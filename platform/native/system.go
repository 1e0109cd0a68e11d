package native

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
)

// System is the local machine.
type System struct{}

var (
	_ platform.System   = System{}
	_ platform.DirMaker = System{}
)

// ReadFile reads a file as [files.ReadFile] does. In a directory of a service's user it
// neither follows links nor blocks.
func (System) ReadFile(path string) ([]byte, error) { return files.ReadFile(path) }

// WriteFile replaces a file atomically and durably.
func (System) WriteFile(path string, content []byte, mode fs.FileMode) error {
	return files.Replace(path, content, mode, true)
}

// Remove removes a file durably. It also fails if the file has been removed but its directory
// could not be synced.
func (System) Remove(path string) error {
	if err := files.Remove(path); err != nil {
		return err
	}
	return files.SyncDir(filepath.Dir(path))
}

// RemoveAll removes a file, or a directory with its contents, as [files.RemoveTree] does. It
// cannot be diverted by another user's link.
func (System) RemoveAll(path string) error { return files.RemoveTree(path) }

// Stat returns information about a file. It follows links.
func (System) Stat(path string) (fs.FileInfo, error) { return os.Stat(path) }

// MakeDir makes a directory and its missing parents, regardless of the umask: see
// [files.MakeDirAs].
func (System) MakeDir(path string, mode fs.FileMode) error { return files.MakeDirAs(path, mode) }

// letGo limits how long processes that a command has left behind may keep its output open.
const letGo = 2 * time.Second

// mostOutput limits the output of a command, on each of its two streams.
const mostOutput = 16 << 20

// An output collects the output of a command. A command with endless output fails, instead of
// exhausting our memory.
type output struct {
	text bytes.Buffer
	end  context.CancelCauseFunc
}

// Write fails and ends the command if the output becomes too large.
func (o *output) Write(p []byte) (int, error) {
	if o.text.Len()+len(p) > mostOutput {
		err := fmt.Errorf("its output is longer than %d bytes", mostOutput)
		o.end(err)
		return 0, err
	}
	return o.text.Write(p)
}

// Run runs a command without a shell. The command gets our environment and no standard input.
// It is killed if ctx ends, or if it prints more than 16 MiB, which is an error. Run does not
// wait for processes that the command has left behind. Within a [Look] it may return the
// answer of an earlier call.
//
// Run carries out `readlink FILE` itself. Managers ask for a link in each query.
func (System) Run(ctx context.Context, argv ...string) (string, error) {
	if len(argv) == 2 && argv[0] == "readlink" {
		return readlink(argv)
	}
	if a, ok := ctx.Value(answersKey{}).(*answers); ok {
		return a.run(ctx, argv)
	}
	return run(ctx, argv)
}

// readlink prints nothing about a file that is no link, like the command.
func readlink(argv []string) (string, error) {
	to, err := os.Readlink(argv[1])
	if err != nil {
		return "", &platform.CommandError{Argv: argv, Code: 1, Stderr: err.Error(), Err: err}
	}
	return to + "\n", nil
}

func run(ctx context.Context, argv []string) (string, error) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	stdout, stderr := output{end: end}, output{end: end}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = letGo
	err := cmd.Run()
	if err == nil || errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil {
		return stdout.text.String(), nil
	}
	failed := &platform.CommandError{Argv: argv, Code: -1, Stderr: stderr.text.String(), Err: err}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() >= 0 {
		failed.Code = exit.ExitCode()
	}
	if ctx.Err() != nil {
		failed.Err = fmt.Errorf("%w (%w)", context.Cause(ctx), err)
	}
	return stdout.text.String(), failed
}
