package logsink_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-dev/holdfast/service/logsink"
)

// benign logs values that hclog itself writes without escapes.
func benign(l hclog.Logger) {
	l = l.Named("http").With("peer", "10.0.0.1", "id", 9)
	l.Info("served", "n", 42, "u", uint8(7), "f", 1.5, "ok", true, "hex", hclog.Hex(255), "oct", hclog.Octal(8), "bin", hclog.Binary(5))
	l.Warn("words", "empty", "", "plain", "word", "spaced", "two words", "quoted", `say "hi"`, "markup", "<a&b>")
	l.Error("values", "err", errors.New("it broke"), "took", 1500*time.Millisecond, "fmt", hclog.Fmt("%03d", 7), "quote", hclog.Quote("a b"))
	l.Debug("lists", "strings", []string{"a", "b c"}, "bytes", []byte{1, 2}, "ints", []int{3, 4}, "bools", []bool{true}, "none", []string{})
	l.Trace("several lines", "text", "a\n\nb\n", "n", 1, "more", "x\ny")
	l.Info("")
	l.Info("no value", "lonely")
}

// A line looks as hclog writes it.
func TestLooksLikeHclog(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		b := newBed(t, logsink.Options{Level: "trace", Format: format})
		benign(b.Logger())
		var theirs bytes.Buffer
		benign(hclog.New(&hclog.LoggerOptions{
			Level: hclog.Trace, Output: &theirs, JSONFormat: format == "json", JSONEscapeDisabled: true,
			TimeFn: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC) },
		}))
		if got := b.errText(t); got != theirs.String() {
			t.Errorf("%s:\n%s\nhclog has\n%s", format, got, theirs.String())
		}
	}
}

// What a library logs through an hclog logger of its own arrives at the same place, and the
// level of the Sink applies.
func TestAdapter(t *testing.T) {
	b := newBed(t, logsink.Options{})
	theirs := hclog.NewInterceptLogger(&hclog.LoggerOptions{Name: "raft", Level: hclog.Trace, Output: io.Discard})
	theirs.RegisterSink(logsink.Adapter(b.Logger()))
	theirs.Debug("not seen")
	theirs.Named("fsm").With("a", 1).Warn("seen", "b", 2)
	if err := b.SetLevel("debug"); err != nil {
		t.Fatal(err)
	}
	theirs.Debug("seen now")
	want := stamp + "[WARN]  raft.fsm: seen: a=1 b=2\n" + stamp + "[DEBUG] raft: seen now\n"
	if got := b.errText(t); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// A value that hides its content also does so for users of hclog.
func TestHclogResolvesValues(t *testing.T) {
	b := newBed(t, logsink.Options{})
	b.Logger().Info("x", "password", secret("hunter"))
	if got := b.errText(t); !strings.HasSuffix(got, "x: password.kind=secret password.len=6\n") {
		t.Error(got)
	}
}

// A level that is set through hclog applies to all loggers.
func TestHclogSetLevel(t *testing.T) {
	b := newBed(t, logsink.Options{})
	l := b.Logger().Named("a")
	for _, c := range []struct {
		level hclog.Level
		least slog.Level // enabled
	}{{hclog.Trace, -100}, {hclog.Debug, slog.LevelDebug}, {hclog.Info, slog.LevelInfo}, {hclog.Warn, slog.LevelWarn}, {hclog.Error, slog.LevelError}} {
		l.SetLevel(c.level)
		if h := b.Slog().Handler(); !h.Enabled(t.Context(), c.least) || c.level != hclog.Trace && h.Enabled(t.Context(), c.least-1) {
			t.Errorf("%v: slog does not begin at %v", c.level, c.least)
		}
		if !l.IsError() || l.IsDebug() != (c.least <= slog.LevelDebug) || l.IsTrace() != (c.level == hclog.Trace) ||
			l.IsInfo() != (c.least <= slog.LevelInfo) || l.IsWarn() != (c.least <= slog.LevelWarn) {
			t.Errorf("%v: what is enabled differs", c.level)
		}
	}
	l.SetLevel(hclog.Off)
	l.Error("not seen")
	if got := b.errText(t); l.GetLevel() != hclog.Off || got != "" {
		t.Errorf("level %v: %q", l.GetLevel(), got)
	}
}
