package service_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/holdfast-dev/holdfast/service"
)

// settings is the [poller] table of the configuration file.
type settings struct {
	URL   string        `toml:"url" help:"what is polled"`
	Every time.Duration `toml:"every" help:"pause between two polls"`
}

// Validate is called by DecodeTable when everything has been decoded.
func (s *settings) Validate() error {
	if s.Every < time.Second {
		return &service.FieldError{Key: "every", Err: errors.New("less than a second is too often")}
	}
	return nil
}

// A poller has its defaults in one place: Tables.
type poller struct{ settings settings }

// Tables tells `check`, `config print`, `install`, `start` and `restart` about the program's
// own table.
func (*poller) Tables() map[string]any {
	return map[string]any{"poller": &settings{URL: "http://localhost/", Every: time.Minute}}
}

func (p *poller) Start(_ context.Context, rt *service.Runtime) error {
	p.settings = settings{URL: "http://localhost/", Every: time.Minute}
	return rt.DecodeTable("poller", &p.settings)
}

func (p *poller) Stop(context.Context) error { return nil }

// A program has a table of its own, with defaults, in the same file as [service]. Mistakes in
// it are reported with their place.
func ExampleDecodeTable() {
	dir, err := os.MkdirTemp("", "poller")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "poller.toml")
	for _, text := range []string{"[poller]\nevery = '5m'\n", "[poller]\nevry = '5m'\n", "[poller]\nevery = '5ms'\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			fmt.Println(err)
			return
		}
		s := settings{URL: "http://localhost/", Every: time.Minute}
		err := service.DecodeTable(file, "poller", &s)
		for _, e := range service.ConfigErrors(err) {
			fmt.Printf("line %d: %s: %v\n", e.Line, e.Key, e.Err)
		}
		if err == nil {
			fmt.Println(s.URL, s.Every)
		}
	}
	// Output:
	// http://localhost/ 5m0s
	// line 2: poller.evry: unknown: did you mean "every"?
	// line 2: poller.every: less than a second is too often
}

// The tables of a TableProvider are checked before the program runs.
func ExampleTableProvider() {
	cfg, err := service.Config{Name: "poller"}.With(&poller{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(cfg.Tables, service.CheckProgram(context.Background(), cfg, &poller{}))
	// Output: [poller] <nil>
}

// The runtime is available in every call of the program.
func ExampleFromContext() {
	stop := func(ctx context.Context) error {
		if rt := service.FromContext(ctx); rt != nil {
			rt.Slog().Info("saying goodbye")
		}
		return nil
	}
	fmt.Println(stop(context.Background())) // a test of the program, without a service
	// Output: <nil>
}
