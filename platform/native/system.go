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

// System is the machine that we run on.
type System struct{}

var (
	_ platform.System   = System{}
	_ platform.DirMaker = System{}
)

// ReadFile reads a file whole, as [files.ReadFile] does: one that a service's user
// may have put there is neither followed nor waited for.
func (System) ReadFile(path string) ([]byte, error) { return files.ReadFile(path) }

// WriteFile replaces a file atomically and durably.
func (System) WriteFile(path string, content []byte, mode fs.FileMode) error {
	return files.Replace(path, content, mode, true)
}

// Remove removes one file, durably. It fails as well if the file is gone and only its
// directory could not be synced.
func (System) Remove(path string) error {
	if err := files.Remove(path); err != nil {
		return err
	}
	return files.SyncDir(filepath.Dir(path))
}

// RemoveAll removes a file or a directory with all below it, as [files.RemoveTree]
// does: nobody's link leads it elsewhere.
func (System) RemoveAll(path string) error { return files.RemoveTree(path) }

// Stat describes a file, following links.
func (System) Stat(path string) (fs.FileInfo, error) { return os.Stat(path) }

// MakeDir makes a directory, and those above it, whatever the umask: see [files.MakeDirAs].
func (System) MakeDir(path string, mode fs.FileMode) error { return files.MakeDirAs(path, mode) }

// letGo is how long what a command has left behind may keep the pipes of its output.
const letGo = 2 * time.Second

// mostOutput is how much of what a command prints, to either side, is taken.
const mostOutput = 16 << 20

// output is what a command prints. It has a program that prints without end fail, and
// not us run out of memory.
type output struct {
	text bytes.Buffer
	end  context.CancelCauseFunc
}

// Write fails, and ends the command, where it would be too much.
func (o *output) Write(p []byte) (int, error) {
	if o.text.Len()+len(p) > mostOutput {
		err := fmt.Errorf("it prints more than %d bytes", mostOutput)
		o.end(err)
		return 0, err
	}
	return o.text.Write(p)
}

// Run runs a command without a shell. The command gets our environment and no
// standard input; the end of ctx kills it, and so does that it prints more than 16 MiB,
// which is an error. What it has started itself, and has left behind, is not waited for.
func (System) Run(ctx context.Context, argv ...string) (string, error) {
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
