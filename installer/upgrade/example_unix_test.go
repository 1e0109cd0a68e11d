//go:build unix

package upgrade_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/installer/trial"
	"github.com/holdfast-dev/holdfast/installer/upgrade"
)

// The machine of this example is a simulation, in which a service that is on trial is always
// well. The output has the main steps of the upgrade, each as it begins.
func ExampleEngine_Run() {
	dir, err := os.MkdirTemp("", "upgrade")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	stable, source, record := filepath.Join(dir, "feedd"), filepath.Join(dir, "download"), filepath.Join(dir, "run", "feedd.trial.json")
	err = errors.Join(os.WriteFile(stable, []byte("1.0"), 0o755), os.WriteFile(source, []byte("1.1"), 0o755)) //nolint:gosec // programs
	if err != nil {
		fmt.Println(err)
		return
	}
	now, ready, onTrial := time.Now(), time.Now(), false
	e := &upgrade.Engine{
		Options: upgrade.Options{
			ID: "u1", Service: "feedd", Own: true, By: "ada", Stable: stable, Source: source, Ledger: filepath.Join(dir, "records", "feedd.json"),
			Record: record, TriesFile: filepath.Join(dir, "tries.json"), Settle: 10 * time.Second, Timeout: time.Minute, Restore: time.Minute,
		},
		Machine: upgrade.Machine{
			Status: func(context.Context, string, string) upgrade.Status {
				return upgrade.Status{Running: true, Ready: true, Healthy: true, OnTrial: onTrial, ReadyAt: ready}
			},
			Restart: func(context.Context) error { // as the manager and `run` do: see trial.Begin
				_, err := trial.Read(record, true)
				now = now.Add(time.Second)
				ready, onTrial = now, err == nil
				return nil
			},
			Version: func(_ context.Context, program string) (string, error) {
				content, err := os.ReadFile(program) //nolint:gosec // a file of this example
				return strings.TrimSpace(string(content)), err
			},
			Check:    func(context.Context, string) error { return nil },
			Boots:    func() []string { return []string{"this boot"} },
			Boottime: func() (time.Duration, error) { return time.Hour, nil },
			Now:      func() time.Time { return now },
			Sleep:    func(_ context.Context, d time.Duration) error { now = now.Add(d); return nil },
			Before: func(step string) error {
				if slices.Contains([]string{"verify", "begin the trial", "restart", "confirm", "end the trial"}, step) {
					fmt.Println(step)
				}
				return nil
			},
		},
	}
	attempt, err := e.Run(context.Background())
	fmt.Println(attempt.Result, attempt.From.Version, "to", attempt.To.Version, err)
	// Output:
	// verify
	// begin the trial
	// restart
	// confirm
	// end the trial
	// confirmed 1.0 to 1.1 <nil>
}
