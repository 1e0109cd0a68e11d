package logsink_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-dev/holdfast/service/logsink"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("differs from %s (-update rewrites it):\n%s", path, got)
	}
}

// stamp is how every line of a text begins under a bed's clock.
const stamp = "2026-01-02T03:04:05.678Z "

// bed is an open Sink whose standard error is a file and whose journal, if it is
// one, is a list.
type bed struct {
	*logsink.Sink
	stderr  *os.File
	entries []entry
	gone    bool // the journal refuses
}

type entry struct {
	message  string
	severity int
	fields   map[string]string
}

func (e entry) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "<%d> %s\n", e.severity, e.message)
	for _, k := range slices.Sorted(maps.Keys(e.fields)) {
		fmt.Fprintf(&b, "\t%s=%q\n", k, e.fields[k])
	}
	return b.String()
}

func newBed(t testing.TB, o logsink.Options, more ...func(*logsink.Outside)) *bed {
	t.Helper()
	stderr, err := os.OpenFile(filepath.Join(t.TempDir(), "stderr"), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	b := &bed{stderr: stderr}
	out := logsink.Outside{
		Stderr: stderr,
		Journal: func(message string, severity int, fields map[string]string) error {
			if b.gone {
				return errors.New("gone")
			}
			b.entries = append(b.entries, entry{message, severity, fields})
			return nil
		},
		Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC) },
	}
	for _, f := range more {
		f(&out)
	}
	b.Sink, err = logsink.OpenWith("feedd", o, out)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		_ = stderr.Close()
	})
	return b
}

// flush waits until everything logged is at its destination.
func (b *bed) flush(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := b.Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

// journal returns the entries of the journal.
func (b *bed) journal(t testing.TB) []entry {
	t.Helper()
	b.flush(t)
	return b.entries
}

func (b *bed) errText(t testing.TB) string {
	t.Helper()
	b.flush(t)
	got, err := os.ReadFile(b.stderr.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

type odd struct{ A, B int }

type nilError struct{}

func (*nilError) Error() string { panic("called on nil") }

// say logs everything that is worth comparing in each format.
func say(l hclog.Logger) {
	l.Trace("every level")
	l.Debug("every level")
	l.Info("every level")
	l.Warn("every level")
	l.Error("every level")
	l.Log(hclog.Off, "above every level")
	l.Info("numbers", "n", 42, "hex", hclog.Hex(255), "oct", hclog.Octal(8), "bin", hclog.Binary(5), "f", 1.5,
		"fmt", hclog.Fmt("%03d", 7), "quote", hclog.Quote("a b"))
	l.Info("words", "empty", "", "plain", "word", "spaced", "two words", "quoted", `say "hi"`, "markup", "<a&b>", "word", "Grüße")
	l.Info("values", "err", errors.New("it broke"), "took", 1500*time.Millisecond,
		"at", time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), "list", []string{"a", "b c"}, "bytes", []byte{1, 2},
		"errs", []error{errors.New("one"), nil}, "struct", odd{1, 2}, "nil", nil)
	l.Info("hard to encode", "nan", math.NaN(), "chan", (chan int)(nil), "nilerr", error((*nilError)(nil)))
	l.Info("no value", "n", 1, "lonely")
	l.Info("key that is no string", 7, "seven")
	l.Error("with a stack", hclog.CapturedStacktrace("goroutine 1 [running]:\nmain.main()"))
	l.Named("http").Named("tls").With("peer", "10.0.0.1", "id", 9).Info("a child", "id", 10)
	l.Named("http").ResetNamed("db").Warn("")
	l.Info("forged\n"+stamp+"[ERROR] by message", "k", "v\n"+stamp+"[ERROR] by value\r\nend", "k\n"+stamp, "by key")
	l.Info("controls \x1b[2J \x00 \x9b \u0085 \u2028 \u202e \xff", "k", "\x1b[2J\x9b\u0085\u2028\u202e\xff", "list", []error{errors.New("\x1b[2J\x9b")})
}
