//go:build unix

package cli_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/installer/trial"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// migratingTrialist is a trialist whose data depends on its version.
type migratingTrialist struct {
	trialist
	fails, hangs bool
}

func (m migratingTrialist) Migrate(ctx context.Context, x service.Migration) error {
	fmt.Printf("migrate %s>%s %v %v\n", x.From, x.To, x.Trial, x.Unfinished)
	switch {
	case x.To == "1":
	case m.fails:
		return errors.New("no space for two copies")
	case m.hangs:
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

// playMigrator is version 1 if its file is named stable, and version 2 as the candidate.
func playMigrator(cfg service.Config, behaviour string) int {
	cfg.Version = "1"
	if exe, err := os.Executable(); err == nil && strings.HasPrefix(filepath.Base(exe), "candidate") {
		cfg.Version = "2"
	}
	return cli.Main(cfg, migratingTrialist{fails: behaviour == "badly", hangs: behaviour == "without end"})
}

// A candidate learns for which version it has to keep the data readable. After a rollback, in
// the same process, the previous version learns what was done to the data.
func TestIssue11_MigrationsOfATrial(t *testing.T) {
	for behaviour, tt := range map[string]struct {
		starts, unfinished bool
	}{
		"well":        {true, false},
		"badly":       {false, true},
		"without end": {false, true}, // within start_timeout
	} {
		t.Run(behaviour, func(t *testing.T) {
			t.Parallel()
			c := newCourt(t)
			cmd, lines, _ := c.run("migrates " + behaviour)
			expect(t, lines, "migrate >1 false false")
			expect(t, lines, fmt.Sprintf("started stable %d x false", cmd.Process.Pid))
			c.ends(cmd, lines)

			if tt.starts {
				c.record.Deadline = c.in(20 * time.Second) // time enough to begin, on a busy machine
			}
			c.opens()
			cmd, lines, _ = c.run("migrates " + behaviour)
			if !lines.Scan() || lines.Text() != "migrate 1>2 true false" {
				if tt.starts && strings.HasPrefix(lines.Text(), "started stable") {
					t.Skip("too slow a machine for so short a trial")
				}
				t.Fatalf("it says %q", lines.Text())
			}
			if tt.starts { // and is confirmed by nobody
				expect(t, lines, fmt.Sprintf("started candidate %d x false", cmd.Process.Pid))
				if err := trial.Remove(c.path()); err != nil {
					t.Fatal(err)
				}
				expect(t, lines, "stopped")
			}
			expect(t, lines, fmt.Sprintf("migrate 2>1 false %v", tt.unfinished))
			expect(t, lines, fmt.Sprintf("started stable %d x false", cmd.Process.Pid))
			c.ends(cmd, lines)
		})
	}
}

// A confirmed version does not learn of its migration again.
func TestIssue11_AConfirmedMigrationIsDone(t *testing.T) {
	c := newCourt(t)
	c.opens()
	cmd, lines, _ := c.run("migrates well")
	expect(t, lines, "migrate >2 true false")
	expect(t, lines, fmt.Sprintf("started candidate %d x false", cmd.Process.Pid))
	link := filepath.Join(c.dir, ".new")
	if err := errors.Join(os.Link(c.candidate, link), os.Rename(link, filepath.Join(c.dir, "candidate-stable")), os.Remove(c.record.Stable),
		os.Link(c.candidate, c.record.Stable), trial.Remove(c.path())); err != nil {
		t.Fatal(err)
	}
	expect(t, lines, "confirmed")
	c.ends(cmd, lines)
	c.record.Stable = filepath.Join(c.dir, "candidate-stable") // by its name it is version 2
	cmd, lines, _ = c.run("migrates well")
	expect(t, lines, fmt.Sprintf("started candidate-stable %d x false", cmd.Process.Pid))
	expect(t, lines, "confirmed") // at once
	c.ends(cmd, lines)
}
