package logsink_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/holdfast-dev/holdfast/service/logsink"
)

func TestStderrText(t *testing.T) {
	b := newBed(t, logsink.Options{Level: "trace"})
	say(b.Logger())
	golden(t, "text", b.errText(t))
}

func TestStderrColour(t *testing.T) {
	b := newBed(t, logsink.Options{Level: "trace"}, func(o *logsink.Outside) { o.Colour = true })
	say(b.Logger())
	got := b.errText(t)
	if !strings.Contains(got, "\x1b[94m") {
		t.Skip("hclog colours no file on this system, only a console")
	}
	// Where this test's standard output is a terminal, hclog ends the colour, too.
	golden(t, "colour", regexp.MustCompile(`\]( ?)\x1b\[0m `).ReplaceAllString(got, "]$1 "))
}

func TestStderrJSON(t *testing.T) {
	b := newBed(t, logsink.Options{Level: "trace", Format: "json"}, func(o *logsink.Outside) { o.Colour = true })
	say(b.Logger())
	got := b.errText(t)
	golden(t, "json", got)
	for _, line := range strings.Split(strings.TrimSuffix(got, "\n"), "\n") {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
}

func TestJournald(t *testing.T) {
	b := newBed(t, logsink.Options{Level: "trace", Sink: "journald"})
	say(b.Logger())
	b.Logger().Info("fields", "user-id", 1, "_PID", 2, "0day", 3, "message", "m", "priority", "0", "Über", "u", "", "nothing",
		strings.Repeat("long", 20), "l", "req.id", "first", "req-id", "last")
	var all strings.Builder
	for _, e := range b.journal(t) {
		all.WriteString(e.String())
	}
	golden(t, "journald", all.String())
	if got := b.errText(t); got != "" {
		t.Errorf("also on stderr: %q", got)
	}
}

// journald ignores an entry with more than 1024 fields. A command that logs JSON can cause
// such entries.
func TestJournaldTakesNotTooManyFields(t *testing.T) {
	b := newBed(t, logsink.Options{Sink: "journald"})
	var many []any
	for i := range 2000 {
		many = append(many, "k"+strconv.Itoa(i), i)
	}
	b.Logger().Info("many", many...)
	e := b.journal(t)
	if len(e) != 1 || len(e[0].fields) < 500 || len(e[0].fields) > 1020 || !strings.Contains(e[0].message, " k1999=1999") {
		t.Errorf("%d entries: %v", len(e), e)
	}
}

func TestJournaldJSON(t *testing.T) {
	b := newBed(t, logsink.Options{Sink: "journald", Format: "json"})
	b.Logger().Warn("hello", "k", "v")
	b.flush(t)
	if len(b.entries) != 1 {
		t.Fatal(b.entries)
	}
	e := b.entries[0]
	want := `{"@level":"warn","@message":"hello","@timestamp":"2026-01-02T03:04:05.678901Z","k":"v"}`
	if e.message != want || e.severity != 4 || e.fields["K"] != "v" {
		t.Errorf("%s\nwant %s", e, want)
	}
}

func TestJournalGone(t *testing.T) {
	b := newBed(t, logsink.Options{Level: "trace", Sink: "journald"})
	b.gone = true
	say(b.Logger())
	golden(t, "gone", b.errText(t))
	b.gone = false
	b.Logger().Info("back")
	b.flush(t)
	if len(b.entries) != 1 || b.entries[0].message != "back" {
		t.Errorf("entries after the journal came back: %v", b.entries)
	}
}

func TestAuto(t *testing.T) {
	inJournal := func(o *logsink.Outside) { o.InJournal = true }
	b := newBed(t, logsink.Options{Sink: "auto"}, inJournal)
	b.Logger().Info("hello")
	b.flush(t)
	if len(b.entries) != 1 || b.errText(t) != "" {
		t.Errorf("stderr is the journal: entries %v, stderr %q", b.entries, b.errText(t))
	}
	b = newBed(t, logsink.Options{Sink: "stderr"}, inJournal)
	b.Logger().Info("hello")
	b.flush(t)
	if len(b.entries) != 0 || b.errText(t) == "" {
		t.Errorf("sink stderr: entries %v, stderr %q", b.entries, b.errText(t))
	}
	// The journal's standard error does not keep a file from being one.
	path := filepath.Join(t.TempDir(), "log")
	b = newBed(t, logsink.Options{File: path}, inJournal)
	b.Logger().Info("hello")
	b.flush(t)
	if got := read(t, path); got != stamp+"[INFO]  hello\n" || len(b.entries) != 0 {
		t.Errorf("file %q, entries %v", got, b.entries)
	}
}

func TestNoJournal(t *testing.T) {
	_, err := logsink.OpenWith("feedd", logsink.Options{Sink: "journald"}, logsink.Outside{})
	var field *logsink.FieldError
	if !errors.Is(err, errors.ErrUnsupported) || !errors.As(err, &field) || field.Field != "sink" {
		t.Errorf("got %v", err)
	}
}

// Whatever is logged, one call makes one line that begins like a line. In text, all further
// lines of it are indented.
func FuzzForge(f *testing.F) {
	for _, s := range []string{
		"plain", "two\nlines", "\n", "\r", "a\n" + stamp + "[ERROR] b", "\x1b[1A", "\u2028", "\u0085", "\xff\n\xff", "\\n", `"`, " ", "", "\x00",
	} {
		f.Add(s, s, s, s)
	}
	text := newBed(f, logsink.Options{})
	journal := newBed(f, logsink.Options{Sink: "journald"})
	f.Fuzz(func(t *testing.T, name, msg, key, value string) {
		text.flush(t)
		if err := os.Truncate(text.stderr.Name(), 0); err != nil {
			t.Fatal(err)
		}
		l := text.Logger().Named(name)
		l.With(key, value).Info(msg, "list", []string{value}, "errs", []error{errors.New(value)}, key, hclog.Quote(value))
		got := text.errText(t)
		checkText(t, got)
		if !strings.HasPrefix(got, stamp) || !strings.HasSuffix(got, "\n") {
			t.Errorf("no line: %q", got)
		}
		for _, line := range strings.Split(got, "\n")[1:] {
			if line != "" && !strings.HasPrefix(line, "  ") {
				t.Errorf("a line of its own: %q\nin %q", line, got)
			}
		}
		journal.entries = nil
		journal.Logger().Named(name).Info(msg, key, value)
		journal.flush(t)
		if len(journal.entries) != 1 {
			t.Fatalf("%d entries", len(journal.entries))
		}
		checkText(t, journal.entries[0].message)
	})
}

func checkText(t *testing.T, s string) {
	t.Helper()
	if got := logsink.Escape(s, "\n"); got != s {
		t.Errorf("not safe to show: %q", s)
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "plain", "a\nb", "\x1b[0m", "\xc3\x28", "\u202e", "ü\n", "\uFFFD", "\U0010FFFF"} {
		f.Add(s)
	}
	control := regexp.MustCompile(`[\p{C}\p{Zl}\p{Zp}]`)
	f.Fuzz(func(t *testing.T, s string) {
		one, many := logsink.Escape(s, ""), logsink.Escape(s, "\n")
		if strings.ToValidUTF8(one, "") != one || control.MatchString(one) {
			t.Errorf("%q became %q", s, one)
		}
		if strings.ReplaceAll(many, "\n", `\n`) != one {
			t.Errorf("%q: %q and %q differ by more than newlines", s, one, many)
		}
		if logsink.Escape(one, "") != one {
			t.Errorf("%q is not left alone", one)
		}
	})
}

func FuzzFieldName(f *testing.F) {
	for _, s := range []string{"", "_", "a", "9", "_MESSAGE", "message", "syslog_pid", "ü", "a-b.c", strings.Repeat("x", 99), "\xff"} {
		f.Add(s)
	}
	valid := regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}$`)
	ours := regexp.MustCompile(`^(MESSAGE|PRIORITY|LOGGER|SYSLOG_.*)$`)
	f.Fuzz(func(t *testing.T, key string) {
		if got := logsink.FieldName(key); !valid.MatchString(got) || ours.MatchString(got) {
			t.Errorf("%q became %q", key, got)
		}
	})
}
