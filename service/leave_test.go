//go:build linux || darwin || windows

package service_test

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// launchd restarts after every exit code but 0. Under launchd a process exits with the code
// that has the same effect as its true code elsewhere.
func TestExitCodesUnderLaunchd(t *testing.T) {
	t.Cleanup(func() { signal.Reset() })
	denied := &os.PathError{Op: "open", Path: "/x", Err: os.ErrPermission}
	for _, tt := range []struct {
		name  string
		start error
		code  map[string]int // by the policy in the property list; "": not launchd
	}{
		{"clean", nil, map[string]int{"": 0, "never": 0, "on-failure": 0, "always": 1}},
		{"failed", errors.New("no"), map[string]int{"": 1, "never": 1, "on-failure": 1, "always": 1}},
		{"bad configuration", service.ErrConfig, map[string]int{"": 78, "never": 78, "on-failure": 0, "always": 0}},
		{"a name that no unit can have", errors.Join(service.ErrConfig, platform.ErrBadUnit), map[string]int{"": 78, "never": 78, "on-failure": 0, "always": 0}},
		{"not permitted", denied, map[string]int{"": 77, "never": 77, "on-failure": 0, "always": 0}},
	} {
		for policy, want := range tt.code {
			t.Run(tt.name+" "+policy, func(t *testing.T) {
				if policy != "" {
					t.Setenv("HOLDFAST_LAUNCHD", policy)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				dir := t.TempDir()
				err := service.Run(ctx, service.Config{Name: "feedd", RuntimeDir: dir + "/run", StateDir: dir + "/state"}, &program{
					start: func(context.Context, *service.Runtime) error {
						if tt.start == nil {
							cancel()
						}
						return tt.start
					},
				})
				if got, shown := service.ExitCode(err), cli.ExitCode(err); got != want || shown != want {
					t.Errorf("exit codes %d and %d, want %d; %v", got, shown, want, err)
				}
				if tt.start != nil && !errors.Is(err, tt.start) {
					t.Errorf("%v does not tell %v", err, tt.start)
				}
				if left, ok := os.LookupEnv("HOLDFAST_LAUNCHD"); ok {
					t.Errorf("a child would see %q", left)
				}
			})
		}
	}
}
