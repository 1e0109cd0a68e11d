//go:build unix

package native_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
)

// An rc-service that was killed for taking too long left an openrc-run behind, which kept its
// output open. Run waited for that, whatever --timeout said.
func TestRunDoesNotWaitForWhatACommandLeavesBehind(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		then string
		want error
	}{
		"killed": {"; wait", platform.ErrTimeout},
		"ended":  {"", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fifo := filepath.Join(t.TempDir(), "fifo")
			if err := unix.Mkfifo(fifo, 0o600); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			ended := make(chan error, 1)
			go func() {
				_, err := native.System{}.Run(ctx, "sh", "-c", `sleep 1000 & echo $! >"$1"`+tt.then, "sh", fifo)
				ended <- err
			}()
			said, err := os.ReadFile(fifo) // it is there
			left, e := strconv.Atoi(strings.TrimSpace(string(said)))
			if err := errors.Join(err, e); err != nil {
				t.Fatal(err)
			}
			defer syscall.Kill(left, syscall.SIGKILL) //nolint:errcheck // it is there, or it is not
			if tt.want != nil {
				cancel(tt.want)
			}
			select {
			case err := <-ended:
				if !errors.Is(err, tt.want) {
					t.Errorf("got %v", err)
				}
			case <-time.After(5 * time.Minute):
				t.Error("it waits for that")
			}
		})
	}
}

// A command with endless output, such as `version` or `check` of a candidate, must not exhaust
// the memory of its caller.
func TestIssue11_ACommandThatPrintsWithoutEnd(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"output":                   "exec yes",
		"error":                    "exec yes >&2",
		"it does not notice":       "trap '' PIPE; yes 2>/dev/null; exec sleep 1000",
		"and what it leaves does":  "yes & exec yes >&2",
		"it ends in order":         "head -c 20000000 /dev/zero; exit 0",
		"it ends, and one is left": "yes & exit 0",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			out, err := native.System{}.Run(ctx, "sh", "-c", script)
			const most = 16 << 20
			if err == nil && name == "it ends, and one is left" && len(out) <= most {
				return // Run does not wait for it, so the amount of its output varies
			}
			failed, ok := errors.AsType[*platform.CommandError](err)
			if ctx.Err() != nil || !ok || !strings.Contains(err.Error(), "its output is longer than 16777216 bytes") || len(out) > most || len(failed.Stderr) > most {
				t.Errorf("%d bytes, %.200v", len(out), err)
			}
		})
	}
}
