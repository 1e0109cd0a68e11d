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

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
)

// An rc-service that was killed as it took too long left an openrc-run behind, which kept
// the pipe of its output: the command waited for that, whatever --timeout said.
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
			if err := syscall.Mkfifo(fifo, 0o600); err != nil {
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
