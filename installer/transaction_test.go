package installer_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/installer"
	"github.com/holdfast-dev/holdfast/platform"
)

const journal = "/feedd.journal"

// dies has what is done with the machine from now on be that of a dead process.
type dies struct{}

// begin begins a transaction that is left where it is when a command ends by dies.
func (m *machine) interrupted(t *testing.T, at string, steps []platform.Step) {
	t.Helper()
	m.seen = func(command string) {
		if command == at {
			panic(dies{})
		}
	}
	defer func() {
		m.seen = nil
		if _, ok := recover().(dies); !ok {
			t.Fatalf("%s was not reached", at)
		}
	}()
	_ = installer.Begin(hosted{m}, installer.Job{Journal: m.at(journal), Verb: "install"}).Apply(t.Context(), steps)
}

// hosted is m by the paths of the machine that the test runs on.
type hosted struct{ m *machine }

func (r hosted) in(path string) string {
	path = strings.TrimPrefix(path, r.m.dir)
	return path
}
func (r hosted) ReadFile(path string) ([]byte, error)  { return r.m.ReadFile(r.in(path)) }
func (r hosted) Remove(path string) error              { return r.m.Remove(r.in(path)) }
func (r hosted) RemoveAll(path string) error           { return r.m.RemoveAll(r.in(path)) }
func (r hosted) Stat(path string) (os.FileInfo, error) { return r.m.Stat(r.in(path)) }
func (r hosted) WriteFile(p string, c []byte, mode os.FileMode) error {
	return r.m.WriteFile(r.in(p), c, mode)
}

func (r hosted) Run(ctx context.Context, argv ...string) (string, error) {
	return r.m.Run(ctx, argv...)
}

func (m *machine) pending(t *testing.T) *installer.Pending {
	t.Helper()
	p, err := installer.Interrupted(m.at(journal))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (m *machine) resume(t *testing.T) (*installer.Pending, error) {
	t.Helper()
	return installer.Resume(t.Context(), hosted{m}, m.at(journal), nil)
}

// What a killed install has done is undone from its journal.
func TestInstallThatWasKilledIsTakenBack(t *testing.T) {
	m := newMachine(t)
	before := m.tree(t)
	m.interrupted(t, "enable", plan)
	if p := m.pending(t); p == nil || p.Step != "enable" || p.Verb != "install" || p.PID != os.Getpid() || p.Forth {
		t.Fatalf("%+v", p)
	}
	if info, err := os.Stat(m.at(journal)); err != nil || installer.ModesCount && info.Mode() != 0o600 {
		t.Errorf("the journal: %v, %v", info, err)
	}
	m.fail = "reload back" // and it can be tried again
	if p, err := m.resume(t); !errors.Is(err, errBroken) || p == nil || !strings.Contains(err.Error(), "not undone: reload: ") {
		t.Fatalf("%+v, %v", p, err)
	}
	if p := m.pending(t); p == nil || p.Step != "reload" {
		t.Errorf("%+v", p)
	}
	m.fail = ""
	if p, err := m.resume(t); err != nil || p == nil {
		t.Fatalf("%+v, %v", p, err)
	}
	if got := m.tree(t); !reflect.DeepEqual(got, before) {
		t.Errorf("files %v, before %v", got, before)
	}
	if i, j := slices.Index(m.ran, "disable"), slices.Index(m.ran, "reload back"); i < 0 || j < i {
		t.Errorf("ran %q", m.ran)
	}
	if p, err := m.resume(t); p != nil || err != nil {
		t.Errorf("once more: %+v, %v", p, err)
	}
}

// Once a directory has been removed, the transaction is finished and not undone.
func TestUninstallThatCannotBeTakenBackIsFinished(t *testing.T) {
	steps := []platform.Step{
		{Kind: platform.StepRun, Describe: "stop", Argv: []string{"stop"}, Undo: []string{"start"}},
		{Kind: platform.StepRemoveFile, Describe: "the unit", Path: "/old.service"},
		{Kind: platform.StepRemoveDir, Describe: "its files", Path: "/run"},
		{Kind: platform.StepRun, Describe: "the rest", Argv: []string{"rest"}},
		{Kind: platform.StepRemoveFile, Describe: "the record", Path: "/gone"},
	}
	for _, how := range []string{"killed", "failed"} {
		m := newMachine(t)
		if err := os.MkdirAll(m.at("/run/x"), 0o755); err != nil {
			t.Fatal(err)
		}
		if how == "killed" {
			m.interrupted(t, "rest", steps)
		} else {
			m.fail = "rest"
			err := installer.Begin(hosted{m}, installer.Job{Journal: m.at(journal), Verb: "uninstall"}).Apply(t.Context(), steps)
			if !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "the next install or uninstall") {
				t.Errorf("%v", err)
			}
			m.fail = ""
		}
		if p := m.pending(t); p == nil || !p.Forth || p.Step != "its files" {
			t.Fatalf("%s: %+v", how, p)
		}
		if p, err := m.resume(t); err != nil || p == nil {
			t.Fatalf("%s: %+v, %v", how, p, err)
		}
		if got := m.tree(t); len(got) != 0 || slices.Contains(m.ran, "start") {
			t.Errorf("%s: left %v, ran %q", how, got, m.ran)
		}
	}
}

// A program that is replaced by another one is not part of the journal, and is restored.
func TestCopyOverAnotherProgram(t *testing.T) {
	for _, end := range []string{"", "killed", "failed"} {
		m := newMachine(t)
		if err := os.WriteFile(m.at("/program"), []byte("old program"), 0o755); err != nil { //nolint:gosec // it is one
			t.Fatal(err)
		}
		before := m.tree(t)
		steps := []platform.Step{
			{Kind: platform.StepCopyFile, Describe: "copy", Source: "/gone", Path: "/program", Mode: 0o755},
			{Kind: platform.StepRun, Describe: "run", Argv: []string{"run"}},
		}
		switch end {
		case "killed":
			m.interrupted(t, "run", steps)
			if content, err := os.ReadFile(m.at(journal)); err != nil || strings.Contains(string(content), "b2xkIHByb2dyYW0") {
				t.Errorf("%v: %s", err, content)
			}
			if _, err := m.resume(t); err != nil {
				t.Error(err)
			}
		default:
			if end == "failed" {
				m.fail = "run"
			}
			tx := installer.Begin(hosted{m}, installer.Job{Journal: m.at(journal)})
			err := tx.Apply(t.Context(), steps)
			if err == nil {
				err = tx.Commit(t.Context())
			}
			if (err != nil) != (end == "failed") {
				t.Error(err)
			}
		}
		want := before
		if end == "" {
			want = m.tree(t)
			if len(want) != len(before) || !strings.HasSuffix(want["/program"], " to be removed") {
				t.Errorf("%v", want)
			}
		}
		if got := m.tree(t); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v, want %v", end, got, want)
		}
	}
}

// The payload of a step of another kind is in the journal as JSON.
func TestPayloadsInTheJournal(t *testing.T) {
	m := newMachine(t)
	a := &applier{hosted: hosted{m}, there: "old"}
	tx := installer.Begin(a, installer.Job{Journal: m.at(journal)})
	if err := tx.Apply(t.Context(), []platform.Step{{Kind: "set", Payload: word{"new"}}}); err != nil || a.there != "new" {
		t.Fatal(err, a.there)
	}
	if _, err := installer.Resume(t.Context(), a, m.at(journal), nil); err != nil || a.there != "old" {
		t.Error(err, a.there)
	}
}

type word struct {
	Word string `json:"word"`
}

type applier struct {
	hosted
	there string
}

func (a *applier) Apply(_ context.Context, s platform.Step) error {
	w, ok := s.Payload.(word)
	if raw, is := s.Payload.(json.RawMessage); is {
		if err := json.Unmarshal(raw, &w); err != nil {
			return err
		}
	} else if !ok {
		return errBroken
	}
	a.there = w.Word
	return nil
}

func (a *applier) Inverse(context.Context, platform.Step) ([]platform.Step, error) {
	return []platform.Step{{Kind: "set", Payload: word{a.there}}}, nil
}

// If the journal cannot be written, nothing begins. A journal that another user could have
// written is not believed.
func TestJournalsThatCannotBeUsed(t *testing.T) {
	m := newMachine(t)
	before := m.tree(t)
	m.fail = journal
	err := installer.Begin(hosted{m}, installer.Job{Journal: m.at(journal)}).Apply(t.Context(), plan)
	if !errors.Is(err, errBroken) || !reflect.DeepEqual(m.tree(t), before) || len(m.ran) > 0 {
		t.Errorf("%v, %v, ran %q", err, m.tree(t), m.ran)
	}
	for content, says := range map[string]string{"x": "remove it", `{"format": 7}`: "its format is 7", `{}`: "its format is 0"} {
		if err := os.WriteFile(m.at(journal), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := m.resume(t); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", content, err)
		}
	}
	if !installer.ModesCount {
		return
	}
	if err := errors.Join(os.WriteFile(m.at(journal), []byte(`{"format":1}`), 0o600), os.Chmod(filepath.Dir(m.at(journal)), 0o777)); err != nil { //nolint:gosec // that is the point
		t.Fatal(err)
	}
	if _, err := m.resume(t); err == nil {
		t.Error("anybody could have written it")
	}
}
