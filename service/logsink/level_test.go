package logsink_test

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-dev/holdfast/service/logsink"
)

func TestSetLevelReachesAll(t *testing.T) {
	b := newBed(t, logsink.Options{Level: "warn"})
	root := b.Logger()
	loggers := map[string]func(string, ...any){
		"root":       root.Debug,
		"named":      root.Named("a").Debug,
		"with":       root.With("k", "v").Debug,
		"grandchild": root.Named("a").With("k", "v").ResetNamed("b").Debug,
		"slog":       b.Slog().Debug,
		"slog with":  b.Slog().With("k", "v").WithGroup("g").Debug,
	}
	std := root.StandardLogger(&hclog.StandardLoggerOptions{InferLevels: true})
	lines := func() int { return strings.Count(b.errText(t), "\n") }
	for _, step := range []struct {
		level string
		all   int
	}{{"", 0}, {"debug", 1}, {"info", 0}, {"trace", 1}, {"error", 0}} {
		if step.level != "" {
			if err := b.SetLevel(step.level); err != nil {
				t.Fatal(err)
			}
		}
		for name, debug := range loggers {
			before := lines()
			debug("x")
			if got := lines() - before; got != step.all {
				t.Errorf("level %q, %s: %d lines, want %d", step.level, name, got, step.all)
			}
		}
		before := lines()
		std.Print("[DEBUG] x")
		if got := lines() - before; got != step.all {
			t.Errorf("level %q, standard logger: %d lines, want %d", step.level, got, step.all)
		}
		if got := root.Named("c").IsDebug(); got != (step.all == 1) {
			t.Errorf("level %q: IsDebug %v", step.level, got)
		}
	}
	var field *logsink.FieldError
	if err := b.SetLevel("loud"); !errors.As(err, &field) || field.Field != "level" {
		t.Errorf("SetLevel(loud): %v", err)
	}
	if got := root.GetLevel(); got != hclog.Error {
		t.Errorf("a bad level made it %v", got)
	}
	if err := b.SetLevel(""); err != nil || root.GetLevel() != hclog.Info {
		t.Errorf("empty level: %v, %v; want info", root.GetLevel(), err)
	}
}

func TestStandardLogger(t *testing.T) {
	b := newBed(t, logsink.Options{})
	l := b.Logger().Named("net").With("k", "v")
	l.StandardLogger(nil).Print("plain")
	l.StandardLogger(&hclog.StandardLoggerOptions{InferLevels: true}).Print("[WARN] inferred\nand a second line")
	l.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Error}).Print("forced")
	want := stamp + "[INFO]  net: plain: k=v\n" +
		stamp + `[WARN]  net: inferred\nand a second line: k=v` + "\n" +
		stamp + "[ERROR] net: forced: k=v\n"
	if got := b.errText(t); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// A value that logs when it is asked for its text would wait for itself if that
// were done under the lock of the writer.
type chatty struct{ log hclog.Logger }

func (c chatty) String() string {
	c.log.Info("inner")
	return "outer"
}

func (c chatty) MarshalJSON() ([]byte, error) {
	c.log.Info("inner")
	return []byte(`"outer"`), nil
}

func TestValueThatLogs(t *testing.T) {
	for _, o := range []logsink.Options{{}, {Format: "json"}, {Sink: "journald"}} {
		b := newBed(t, o)
		b.Logger().Info("x", "v", chatty{b.Logger()}, "list", []any{chatty{b.Logger()}})
		if got := b.errText(t); o.Sink == "" && o.Format == "" && strings.Count(got, "inner") != 2 {
			t.Error(got)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	const writers, each = 8, 200
	path := filepath.Join(t.TempDir(), "log")
	b := newBed(t, logsink.Options{File: path})
	shared := b.Slog().With("a", 1, "b", 2, "c", 3) // as a slice, with room behind
	var wg sync.WaitGroup
	half := make(chan struct{}, writers)
	for w := range writers {
		wg.Go(func() {
			l := b.Logger().Named(strconv.Itoa(w))
			for i := range each {
				if i == each/2 {
					half <- struct{}{}
				}
				if i%2 == 0 {
					l.With("i", i).Error("line")
				} else {
					shared.Error("line", "i", i)
				}
			}
		})
	}
	wg.Go(func() {
		for range writers { // all are in the middle of it
			_ = b.SetLevel("trace")
			<-half
			_ = b.SetLevel("error")
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	wg.Wait()
	inFile, after := read(t, path), b.errText(t)
	if got := strings.Count(inFile, "\n") + strings.Count(after, "\n"); got != writers*each {
		t.Errorf("%d lines in the file and on stderr, want %d", got, writers*each)
	}
	for _, line := range strings.Split(strings.TrimSuffix(inFile, "\n"), "\n") {
		if !strings.HasPrefix(line, stamp+"[ERROR] ") || !strings.Contains(line, "line: ") || strings.Count(line, "i=") != 1 {
			t.Fatalf("torn line %q", line)
		}
	}
}
