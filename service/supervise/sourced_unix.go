//go:build unix

package supervise

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// sourceLimit limits the time that the commands of a sourced file may take.
const sourceLimit = time.Minute

// source returns env as the commands in Sourced change it. Their output goes to the standard
// error of whoever starts the service.
func (s Spawn) source(env []string) ([]string, error) {
	if s.Sourced == "" {
		return env, nil
	}
	if _, err := os.Stat(s.Sourced); errors.Is(err, fs.ErrNotExist) {
		return env, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), sourceLimit)
	defer cancel()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", `file=$1; set --; . "$file" >&2; exec /usr/bin/env -0`, "sh", s.Sourced) //nolint:gosec // as the definition has it
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = env, "/", &out, os.Stderr
	cmd.WaitDelay = time.Second // for processes that it has left in the background
	if err := cmd.Run(); err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return nil, fmt.Errorf("the environment by %s: %w", s.Sourced, err)
	}
	after := strings.Split(strings.TrimSuffix(out.String(), "\x00"), "\x00")
	return slices.DeleteFunc(after, func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains([]string{"", "_", "PWD", "OLDPWD", "SHLVL"}, name) // the shell's own variables
	}), nil
}
