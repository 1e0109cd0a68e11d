package logsink_test

import (
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/holdfast-dev/holdfast/service/logsink"
)

func TestSlogHandler(t *testing.T) {
	var b *bed
	slogtest.Run(t, func(t *testing.T) slog.Handler {
		b = newBed(t, logsink.Options{Format: "json"})
		return b.Slog().Handler()
	}, func(t *testing.T) map[string]any {
		var flat map[string]any
		if err := json.Unmarshal([]byte(b.errText(t)), &flat); err != nil {
			t.Fatal(err)
		}
		nested := map[string]any{
			slog.MessageKey: flat["@message"], slog.LevelKey: flat["@level"], slog.TimeKey: flat["@timestamp"],
		}
		if strings.HasSuffix(t.Name(), "/zero-time") {
			delete(nested, slog.TimeKey) // a line has the time of its writing, whatever the record's
		}
		for key, v := range flat {
			if strings.HasPrefix(key, "@") {
				continue
			}
			parts := strings.Split(key, ".")
			at := nested
			for _, group := range parts[:len(parts)-1] {
				inner, ok := at[group].(map[string]any)
				if !ok {
					inner = map[string]any{}
					at[group] = inner
				}
				at = inner
			}
			at[parts[len(parts)-1]] = v
		}
		return nested
	})
}

type secret string

func (secret) LogValue() slog.Value {
	return slog.GroupValue(slog.String("kind", "secret"), slog.Int("len", 6))
}

func TestSlogText(t *testing.T) {
	b := newBed(t, logsink.Options{Level: "trace"})
	l := b.Slog()
	for _, level := range []slog.Level{-8, -4, -1, 0, 2, 4, 7, 8, 12} {
		l.Log(t.Context(), level, level.String())
	}
	l.With("a", 1).WithGroup("g").With("b", 2*time.Second).WithGroup("").Info("grouped",
		"c", secret("hunter"), slog.Group("h", "d", true), slog.Group("", "e", nil), "", nil, "", "kept")
	// Handlers derived from one do not write into each other's pairs.
	base := l.With("x", 1, "b", 2, "c", 3) // as a slice, with room behind
	one, two := base.With("y", "one"), base.With("y", "two")
	one.Info("sibling")
	two.Info("sibling")
	golden(t, "slog", b.errText(t))
	if strings.Contains(b.errText(t), "hunter") {
		t.Error("LogValue was not asked")
	}
}

func TestSlogEnabled(t *testing.T) {
	b := newBed(t, logsink.Options{Level: "warn"})
	h := b.Slog().Handler()
	for level, want := range map[slog.Level]bool{slog.LevelInfo: false, slog.LevelWarn - 1: false, slog.LevelWarn: true, slog.LevelError: true} {
		if h.Enabled(t.Context(), level) != want {
			t.Errorf("%v: enabled is not %v", level, want)
		}
	}
}

func read(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
