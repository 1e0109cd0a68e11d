// Command alarm watches a directory, and raises an alarm if too many files wait in it. See
// README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/alarm/webhook"
	"github.com/holdfast-dev/holdfast/service/cli"
)

func main() { os.Exit(run()) }

func run() int {
	return cli.Main(service.Config{
		Name: "alarm", Description: "Warns when too many files wait in a directory",
		AlarmWebhook: webhook.Sender{}, // the one line that a web hook needs; a command needs none
	}, new(program))
}

// settings is the table [alarm].
type settings struct {
	Spool string        `toml:"spool" help:"the directory"`
	Most  int           `toml:"most" help:"as many files may wait"`
	Every time.Duration `toml:"every" help:"between two looks"`
}

// Validate refuses invalid values.
func (s *settings) Validate() error {
	if s.Every <= 0 {
		return &service.FieldError{Key: "every", Err: errors.New("has to be more than 0")}
	}
	return nil
}

type program struct{ settings settings }

func defaults() *settings {
	return &settings{Spool: os.TempDir(), Most: 1000, Every: time.Minute}
}

func (*program) Tables() map[string]any { return map[string]any{"alarm": defaults()} }

func (p *program) Start(_ context.Context, rt *service.Runtime) error {
	p.settings = *defaults()
	if err := rt.DecodeTable("alarm", &p.settings); err != nil {
		return err
	}
	// If the directory cannot be read, the service itself raises the alarm health-lost.
	rt.HealthCheck("spool", func(context.Context) error { _, err := os.ReadDir(p.settings.Spool); return err })
	rt.Go("watch", func(ctx context.Context) error {
		tick := time.NewTicker(p.settings.Every)
		defer tick.Stop()
		for {
			if all, err := os.ReadDir(p.settings.Spool); err == nil && len(all) > p.settings.Most {
				rt.Alarm("spool", fmt.Sprintf("%d files wait in %s", len(all), p.settings.Spool))
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return nil
			}
		}
	})
	return nil
}

// Stop has nothing to do, because the context of watch ends right after it.
func (*program) Stop(context.Context) error { return nil }
