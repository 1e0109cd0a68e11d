package wrap_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/service/logsink"
	"github.com/holdfast-dev/holdfast/service/wrap"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// apart is a handler that takes one line at a time.
type apart struct{ slog.Handler }

var when = regexp.MustCompile(`(?m)^\d{4}-\S+ `)

// logged returns the content of a log file, and the last lines for an error, after a command has written text to standard error
// in pieces of that size.
func logged(t *testing.T, text string, piece int, atOnce bool, change func(*wrap.Output)) (log, said string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log")
	sink, err := logsink.Open("wrapped", logsink.Options{File: path, MaxSizeMB: 1000})
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	o := wrap.Defaults()
	o.Output.MaxLine = 256
	if change != nil {
		change(&o.Output)
	}
	h := sink.Slog().Handler()
	if !atOnce {
		h = apart{h}
	}
	out, err := wrap.NewOutlet(o, slog.New(h), sink.Flush)
	if err != nil {
		t.Fatal(err)
	}
	for rest := text; rest != ""; {
		n := min(piece, len(rest))
		if _, err := io.WriteString(out.Stderr, rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	out.End(wait.Limit)
	if err := sink.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return when.ReplaceAllString(string(b), ""), out.Said()
}

// Lines that are logged at once look like lines that are logged one by one.
func TestBlocks(t *testing.T) {
	long := strings.Repeat("x", 600)
	for name, text := range map[string]string{
		"lines":         "one\ntwo\n\nthree\n",
		"of Windows":    "one\r\ntwo\r\n\r\n",
		"colours":       "\x1b[1;31mred\x1b[0m\nplain\n\x1b]0;title\x07text\n",
		"long ones":     "short\n" + long + "\nshort\n" + long + "\n" + long + "\n",
		"no end":        "one\nhalf",
		"binary":        "\x00\n\xff\n\t\n",
		"many":          strings.Repeat("a line like any other\n", 5000),
		"many empty":    strings.Repeat("\n", 70_000),
		"many and long": strings.Repeat(strings.Repeat("y", 200)+"\n", 1000),
	} {
		for how, change := range map[string]func(*wrap.Output){
			"": nil, ", with colours": func(o *wrap.Output) { o.ANSI = true }, ", off": func(o *wrap.Output) { o.Stderr = "off" },
			", by level": func(o *wrap.Output) { o.Level = `(\w+)` }, ", debug": func(o *wrap.Output) { o.Stderr = "debug" },
		} {
			t.Run(name+how, func(t *testing.T) {
				want, said := logged(t, text, len(text), false, change)
				got, saidNow := logged(t, text, len(text), true, change)
				if got != want || saidNow != said {
					t.Errorf("logged %d bytes, want %d; said last\n%q, want\n%q", len(got), len(want), saidNow, said)
				}
			})
		}
	}
}

func FuzzBlocks(f *testing.F) {
	f.Add("one\ntwo\n", 1)
	f.Add("\x1b[0m\nä\r\n"+strings.Repeat("y", 700), 3)
	f.Fuzz(func(t *testing.T, text string, piece int) {
		if piece < 1 || len(text) > 64<<10 {
			t.Skip()
		}
		want, _ := logged(t, text, piece, false, nil)
		if got, _ := logged(t, text, piece, true, nil); got != want {
			t.Errorf("at once: %q\none by one: %q", got, want)
		}
	})
}
