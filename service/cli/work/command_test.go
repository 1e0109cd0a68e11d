package work_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/service/cli/work"
	"github.com/holdfast-dev/holdfast/service/recovery/journal"
	"github.com/holdfast-dev/holdfast/singleton"
)

// A program keeps a journal.
type program struct{}

func (program) Start(context.Context, *service.Runtime) error { return nil }
func (program) Stop(context.Context) error                    { return nil }
func (program) Commands(find cli.Find) []*cobra.Command       { return []*cobra.Command{work.Command(find)} }

// running is the runtime of a ready service named feedd.
type running struct {
	dir   string
	term  uint64
	ready chan struct{}
}

func (r running) Term() singleton.Term { return singleton.LocalTerm(r.term) }

func (r running) StatePath(suffix string) string                            { return filepath.Join(r.dir, "feedd"+suffix) }
func (r running) WhenReady() <-chan struct{}                                { return r.ready }
func (r running) Slog() *slog.Logger                                        { return slog.New(slog.DiscardHandler) }
func (r running) OnStop(string, time.Duration, func(context.Context) error) {}
func open(t *testing.T, dir string, term uint64, o journal.Options) *journal.Journal {
	t.Helper()
	r := running{dir, term, make(chan struct{})}
	close(r.ready)
	j, err := journal.Open(r, o)
	if err == nil {
		err = j.Refused()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// call runs a command line for the service whose state is in dir.
func call(t *testing.T, dir string, args ...string) (code int, out string) {
	t.Helper()
	cfg := service.Config{Name: "feedd", Scope: platform.ScopeUser, RuntimeDir: dir, StateDir: dir}
	root := cli.Command(cfg, program{})
	var b bytes.Buffer
	root.SetOut(&b)
	root.SetErr(&b)
	root.SetArgs(append([]string{"--manager", "none"}, args...))
	err := root.ExecuteContext(t.Context())
	return cli.ExitCode(err), b.String()
}

func wants(t *testing.T, dir string, code int, says string, args ...string) {
	t.Helper()
	got, out := call(t, dir, args...)
	if got != code || !strings.Contains(out, says) {
		t.Errorf("%q ends with %d, want %d, and prints %q, want %q", args, got, code, out, says)
	}
}

func TestWorkOfAServiceThatIsDownOrUp(t *testing.T) {
	dir := t.TempDir()
	wants(t, dir, 0, "", "work", "list")
	wants(t, dir, 2, `"x" is not a number`, "work", "show", "x")
	wants(t, dir, 2, "", "work", "show")
	wants(t, dir, 2, "unknown command", "work", "nothing")
	wants(t, dir, 2, "cannot be negative", "work", "list", "-n", "-1")
	wants(t, dir, 1, "", "work", "show", "1")

	o := journal.Options{MaxCrashes: 1}
	j := open(t, dir, 1, o)
	for _, kind := range []string{"report", "import"} {
		if _, err := j.Begin(t.Context(), journal.Work{Kind: kind, Trigger: journal.Manual, Params: []byte("42"), Rerun: kind == "import"}); err != nil {
			t.Fatal(err)
		}
	}
	wants(t, dir, 0, "begun", "work", "list") // up
	wants(t, dir, 1, `work rerun "feedd": rerun work 1: not possible: it is in progress`, "work", "rerun", "1")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	wants(t, dir, 0, "interrupted", "work", "list") // down
	wants(t, dir, 0, "parameters:            42", "work", "show", "1")
	wants(t, dir, 1, "no such work", "work", "show", "9")
	wants(t, dir, 1, "not set aside, but interrupted", "work", "release", "2")
	wants(t, dir, 0, "1: report runs again as 3", "work", "rerun", "1")
	wants(t, dir, 1, "it was already run again, as 3", "work", "rerun", "1")
	wants(t, dir, 0, "3: report is aborted", "work", "abort", "3")

	j = open(t, dir, 2, o)
	mark, err := j.Enqueue(t.Context(), journal.Work{Kind: "mark"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := j.Next(t.Context()); err != nil || got.ID != mark.ID {
		t.Errorf("%+v, %v", got, err)
	}
	wants(t, dir, 0, "1 crashes: ", "work", "list")
	wants(t, dir, 0, "2: import runs again as 5", "work", "release", "2")
	if got, err := j.Next(t.Context()); err != nil || got.RerunOf != 2 || string(got.Params) != "42" {
		t.Errorf("%+v, %v", got, err)
	}
	code, out := call(t, dir, "work", "list", "--json")
	var a journal.Answer
	if err := json.Unmarshal([]byte(out), &a); code != 0 || err != nil || len(a.Entries) != 5 {
		t.Errorf("%d, %v: %s", code, err, out)
	}
}

func TestADamagedJournalIsToldByCommands(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, 1, journal.Options{})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	path := running{dir: dir}.StatePath(journal.Suffix)
	if err := os.Truncate(path, 5000); err != nil {
		t.Fatal(err)
	}
	wants(t, dir, 1, "journal is damaged", "work", "list")
	j = open(t, dir, 2, journal.Options{})
	wants(t, dir, 0, "warning: an earlier journal could not be used and was set aside: "+j.SetAside(), "work", "list")
}
