package logsink_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/service/logsink"
)

// liner is what a handler has that takes many lines at once.
type liner interface {
	HandleLines(level slog.Level, text []byte, attrs []slog.Attr) (size int, ok bool)
}

var texts = []string{
	"one\ntwo\n", "\n\n", "tab\there\n", "ä, \u202e, \x00 and \xff\n", "seven77\neight888\nnine99999\n", "\x7f\n\x1f\n ~\n12345678\x7f\n\x80234567\n",
	strings.Repeat("x", 100_000) + "\n" + "short\n", strings.Repeat("many\n", 10_000), strings.Repeat("\x01\n", 5_000),
}

// Lines that are logged at once look like those that are logged one by one.
func TestLinesAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "feedd.log")
	for name, o := range map[string]logsink.Options{"file": {File: path}, "stderr": {}, "stderr in colour": {}} {
		t.Run(name, func(t *testing.T) {
			attrs := []slog.Attr{slog.String("stream", "stderr"), slog.Int("n", 1), slog.String("of", "several\nlines")}
			said := func(say func(b *bed, h slog.Handler, text string)) string {
				b := newBed(t, o, func(out *logsink.Outside) { out.Colour = strings.Contains(name, "colour") })
				h := b.Slog().With("service", "feedd").WithGroup("g").Handler()
				for _, text := range texts {
					say(b, h, text)
					b.flush(t)
				}
				if o.File == "" {
					return b.errText(t)
				}
				return read(t, path)
			}
			apart := said(func(b *bed, h slog.Handler, text string) {
				for i, line := range strings.SplitAfter(text, "\n") {
					if line == "" {
						break
					}
					if i%1000 == 0 {
						b.flush(t) // nothing is to be dropped
					}
					r := slog.NewRecord(time.Time{}, slog.LevelWarn, strings.TrimSuffix(line, "\n"), 0)
					r.AddAttrs(attrs...)
					_ = h.Handle(context.Background(), r)
				}
			})
			size := 0
			together := said(func(_ *bed, h slog.Handler, text string) {
				n, ok := h.(liner).HandleLines(slog.LevelWarn, []byte(text), attrs)
				if size += n; !ok {
					t.Error("refused")
				}
			})
			if o.File != "" {
				together = strings.TrimPrefix(together, apart) // it is the same file
			}
			if together != apart {
				t.Errorf("%d bytes at once differ from %d bytes one by one", len(together), len(apart))
			}
			if size < len(together) || size > 3*len(together) {
				t.Errorf("%d bytes are said to take %d", len(together), size)
			}
		})
	}
}

// A log whose lines are not plain text accepts lines only one by one.
func TestLinesAtOnceAreRefused(t *testing.T) {
	for name, o := range map[string]logsink.Options{"json": {Format: "json"}, "journald": {Sink: "journald"}} {
		b := newBed(t, o)
		if _, ok := b.Slog().Handler().(liner).HandleLines(slog.LevelInfo, []byte("one\n"), nil); ok {
			t.Errorf("%s: taken", name)
		}
		b.flush(t)
		if got := b.errText(t); got != "" || len(b.entries) > 0 {
			t.Errorf("%s: logged %q, %v", name, got, b.entries)
		}
	}
}

// Each of the lines that are logged at once arrives, or is counted as dropped.
func TestLinesAtOnceAreCounted(t *testing.T) {
	h := newHanging(t)
	s := h.open(t, h.kinds()["file"])
	const blocks, lines = 400, 1000
	for i := range blocks {
		var text []byte
		for n := range lines {
			text = fmt.Appendf(text, "i=%d\n", i*lines+n)
		}
		s.Slog().Handler().(liner).HandleLines(slog.LevelInfo, text, nil)
	}
	h.release()
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	next, dropped := counted(t, strings.Split(strings.Join(h.all(), "\n"), "\n"))
	if next != blocks*lines || dropped == 0 || dropped > blocks*lines*9/10 {
		t.Errorf("%d lines, want %d; of these were dropped %d", next, blocks*lines, dropped)
	}
}

func BenchmarkLinesAtOnce(b *testing.B) {
	s := newBed(b, logsink.Options{File: filepath.Join(b.TempDir(), "feedd.log"), MaxSizeMB: 1000, MaxBackups: 1})
	h := s.Slog().Handler().(liner)
	text := []byte(strings.Repeat(strings.Repeat("x", 99)+"\n", 600))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		h.HandleLines(slog.LevelInfo, text, nil)
		s.flush(b)
	}
}
