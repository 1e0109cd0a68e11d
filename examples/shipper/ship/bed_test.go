package ship_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/examples/shipper/ship"
)

// A bed is a Shipper under test, with its files in a directory of its own.
type bed struct {
	*ship.Shipper
	t     testing.TB
	dir   string
	opts  ship.Options
	hooks ship.Hooks
	log   *bytes.Buffer
	clock time.Time
	onNow func() // called when the Shipper asks for the time
	saves int
	die   ship.Stage // panic there
}

// A died is the panic that stands for a crash.
type died struct{}

// newBed opens a Shipper for every line of DIR/in/*.log.
func newBed(t testing.TB, change ...func(*bed)) *bed {
	t.Helper()
	b := &bed{t: t, dir: t.TempDir(), log: new(bytes.Buffer), clock: time.Unix(1_800_000_000, 0)}
	for _, d := range []string{"in", "out", "state"} {
		if err := os.Mkdir(filepath.Join(b.dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	b.opts = ship.Options{
		Selection: ship.Selection{Inputs: []string{b.path("in/*.log")}},
		Output:    b.path("out/all"), Checkpoint: b.path("state/x.checkpoint.json"),
		Log: slog.New(slog.NewTextHandler(b.log, nil)),
	}
	b.hooks = ship.Hooks{
		Now: func() time.Time {
			if b.onNow != nil {
				b.onNow()
			}
			return b.clock
		},
		Reached: func(s ship.Stage) {
			if s == ship.Saved {
				b.saves++
			}
			if s == b.die {
				panic(died{})
			}
		},
	}
	for _, f := range change {
		f(b)
	}
	t.Cleanup(b.kill)
	return b
}

func (b *bed) path(name string) string { return filepath.Join(b.dir, filepath.FromSlash(name)) }

// open opens the Shipper. The memory of an earlier one is lost.
func (b *bed) open() *bed {
	b.t.Helper()
	if err := b.tryOpen(); err != nil {
		b.t.Fatal(err)
	}
	return b
}

func (b *bed) tryOpen() (err error) {
	b.kill()
	b.Shipper, err = ship.OpenWith(b.opts, b.hooks)
	if err != nil {
		b.Shipper = nil
	}
	return err
}

// kill has the effect of kill -9: files are closed, and nothing is written.
func (b *bed) kill() {
	if b.Shipper != nil {
		_ = b.Close()
		b.Shipper = nil
	}
}

// ship runs turns until there is nothing left.
func (b *bed) ship() *bed {
	b.t.Helper()
	for more := true; more; {
		var err error
		if more, err = b.Turn(); err != nil {
			b.t.Fatal(err)
		}
	}
	return b
}

// add appends text to an input.
func (b *bed) add(name, text string) *bed {
	b.t.Helper()
	f, err := os.OpenFile(b.path("in/"+name), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		b.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		b.t.Fatal(err)
	}
	return b
}

func (b *bed) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) read(name string) string {
	b.t.Helper()
	text, err := os.ReadFile(b.path(name))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

// want compares the output, with newlines written as spaces.
func (b *bed) want(lines string) *bed {
	b.t.Helper()
	if got := strings.TrimSuffix(strings.ReplaceAll(b.read("out/all"), "\n", " "), " "); got != lines {
		b.t.Fatalf("output %q, want %q\nlog:\n%s", got, lines, b.log)
	}
	return b
}

// logged requires text in the log, n times.
func (b *bed) logged(n int, text string) *bed {
	b.t.Helper()
	if got := strings.Count(b.log.String(), text); got != n {
		b.t.Fatalf("%q is in the log %d times, want %d:\n%s", text, got, n, b.log)
	}
	return b
}

func wantError(t testing.TB, err, is error, says string) {
	t.Helper()
	if err == nil || (is != nil && !errors.Is(err, is)) || !strings.Contains(err.Error(), says) {
		t.Fatalf("error %v, want %v and %q", err, is, says)
	}
}
