//go:build unix

package supervise

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

func carry(ctx context.Context, pid int, argv []string) (code int, err error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	names, files := borrow(ctx, pid)
	defer func() {
		for _, f := range files {
			_ = f.Close()
		}
	}()
	cmd.Env, cmd.ExtraFiles = append(os.Environ(), carriedVariable+"="+names), files
	err = cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return -1, fmt.Errorf("run %s: %w", argv[0], err)
	}
	return 0, nil
}
