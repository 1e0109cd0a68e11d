//go:build linux || darwin || windows

package service_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

// A migrator is a program whose data depends on its version.
type migrator struct {
	program
	told *[]string
	err  error
}

func (m *migrator) Migrate(ctx context.Context, x service.Migration) error {
	*m.told = append(*m.told, fmt.Sprintf("%s>%s %v %v", x.From, x.To, x.Trial, x.Unfinished))
	if service.FromContext(ctx) == nil {
		return errors.New("no runtime in its context")
	}
	if m.err != nil && m.err.Error() == "panic" {
		panic(m.err)
	}
	return m.err
}

// Each run has a version, an error of its Migrate, and whether it is a Migrator. told is what
// its Migrate was told, or empty if it was not called.
func TestIssue11_ProgramsHearOfMigrations(t *testing.T) {
	broken := errors.New("no space")
	type run struct {
		version string
		err     error
		plain   bool
		told    string
	}
	for name, runs := range map[string][]run{
		"once each":               {{"1", nil, false, ">1 false false"}, {"1", nil, false, ""}, {"2", nil, false, "1>2 false false"}, {"2", nil, false, ""}},
		"back and forth":          {{"1", nil, false, ">1 false false"}, {"2", nil, false, "1>2 false false"}, {"1", nil, false, "2>1 false false"}, {"2", nil, false, "1>2 false false"}},
		"until it succeeds":       {{"1", nil, false, ">1 false false"}, {"2", broken, false, "1>2 false false"}, {"2", broken, false, "1>2 false true"}, {"2", nil, false, "1>2 false true"}, {"2", nil, false, ""}},
		"it panics":               {{"1", nil, false, ">1 false false"}, {"2", errors.New("panic"), false, "1>2 false false"}, {"2", nil, false, "1>2 false true"}},
		"back from what failed":   {{"1", nil, false, ">1 false false"}, {"2", broken, false, "1>2 false false"}, {"1", nil, false, "2>1 false true"}, {"1", nil, false, ""}},
		"back failed as well":     {{"1", nil, false, ">1 false false"}, {"2", broken, false, "1>2 false false"}, {"1", broken, false, "2>1 false true"}, {"1", nil, false, "2>1 false true"}},
		"from one that is none":   {{"1", nil, true, ""}, {"2", nil, false, "1>2 false false"}, {"1", nil, true, ""}, {"2", nil, false, "1>2 false false"}},
		"from one, and it failed": {{"1", nil, true, ""}, {"2", broken, false, "1>2 false false"}, {"2", nil, false, "1>2 false true"}},
		"with another between":    {{"2", broken, false, ">2 false false"}, {"1", nil, true, ""}, {"2", nil, false, "1>2 false true"}},
		"given up, and later":     {{"1", nil, false, ">1 false false"}, {"2", broken, false, "1>2 false false"}, {"1", nil, true, ""}, {"1", nil, false, "2>1 false true"}},
		"without a version":       {{"", nil, false, ""}, {"1", nil, false, ">1 false false"}, {"", nil, false, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			for n, r := range runs {
				var told []string
				b.cfg.Version = r.version
				var p service.Program = &program{}
				if !r.plain {
					p = &migrator{told: &told, err: r.err}
				}
				b.run(t.Context(), p)
				if r.err == nil {
					b.await(platform.PhaseReady)
					b.stop()
				}
				err := b.end()
				if (err != nil) != (r.err != nil) || r.err == broken && !errors.Is(err, broken) { //nolint:errorlint // the very one
					t.Errorf("run %d: %v, want %v", n, err, r.err)
				}
				if want := strings.TrimSpace(r.told); strings.Join(told, "; ") != want {
					t.Errorf("run %d: told %q, want %q", n, told, want)
				}
			}
		})
	}
}

// A damaged record of a migration counts as none, and does not prevent the start.
func TestIssue11_ADamagedRecordOfMigrations(t *testing.T) {
	b := newBench(t)
	b.cfg.Version = "2"
	var told []string
	start := func() {
		t.Helper()
		b.run(t.Context(), &migrator{told: &told})
		b.await(platform.PhaseReady)
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
	}
	start()
	path := service.MigrationFile(service.Dirs{State: b.cfg.StateDir}, b.cfg.ID("").String())
	if _, err := os.Stat(path); err != nil || filepath.Ext(path) != ".json" {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	start()
	if want := []string{">2 false false", ">2 false false"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}
