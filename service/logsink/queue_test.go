package logsink_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/service/logsink"
)

// hanging is a destination of any kind that takes no line until it is released.
type hanging struct {
	released chan struct{}
	once     sync.Once
	lines    []string

	pipe *os.File    // if it is standard error
	read chan []byte // what came out of the pipe
}

func newHanging(t *testing.T) *hanging {
	h := &hanging{released: make(chan struct{})}
	t.Cleanup(h.release)
	return h
}

func (h *hanging) release() { h.once.Do(func() { close(h.released) }) }

func (h *hanging) take(text string) error {
	<-h.released
	h.lines = append(h.lines, text)
	return nil
}

// all returns what the destination has received when nothing more arrives.
func (h *hanging) all() []string {
	if h.pipe == nil {
		return h.lines
	}
	_ = h.pipe.Close()
	return strings.Split(strings.TrimSuffix(string(<-h.read), "\n"), "\n")
}

// kinds returns the options of Sinks that hang, by the name of the sink.
func (h *hanging) kinds() map[string]logsink.Options {
	return map[string]logsink.Options{
		"stderr": {Sink: "stderr"}, "journald": {Sink: "journald"}, "eventlog": {Sink: "eventlog"},
		"file": {File: filepath.Join(os.TempDir(), "on-a-hung-mount")},
	}
}

func (h *hanging) open(t *testing.T, o logsink.Options) *logsink.Sink {
	t.Helper()
	out := logsink.Outside{
		Journal: func(message string, _ int, _ map[string]string) error { return h.take(message) },
		Event:   func(_ uint16, _ uint32, text string) error { return h.take(text) },
		File:    func(text []byte) error { return h.take(string(text)) },
	}
	if o.Sink == "stderr" {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = w.Close(); _ = r.Close() })
		out.Stderr, h.pipe, h.read = w, w, make(chan []byte, 1)
		go func() {
			<-h.released
			all, _ := io.ReadAll(r)
			h.read <- all
		}()
	}
	s, err := logsink.OpenWith("feedd", o, out)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var number = regexp.MustCompile(`(?:i=(\d+)|(\d+) lines were dropped)`)

// counted returns how many lines there are, all with their number and in order, and how many
// of these were dropped.
func counted(t *testing.T, lines []string) (next, dropped int) {
	t.Helper()
	for _, line := range lines {
		switch m := number.FindStringSubmatch(line[max(0, len(line)-100):]); {
		case m == nil:
			t.Fatalf("odd line %.100q", line)
		case m[2] != "":
			n, _ := strconv.Atoi(m[2])
			dropped += n
			next += n
		case m[1] != strconv.Itoa(next):
			t.Fatalf("line %s, want %d", m[1], next)
		default:
			next++
		}
	}
	return next, dropped
}

// A destination that accepts nothing delays nobody who logs. Lines wait in memory up to a
// limit, and arrive in order when the destination accepts them again. Dropped lines are
// counted in their place.
func TestIssue9A_BlockedSinkDelaysNobody(t *testing.T) {
	for name, o := range (&hanging{}).kinds() {
		t.Run(name, func(t *testing.T) {
			h := newHanging(t)
			s := h.open(t, o)
			const lines = 2 * logsink.MostWaiting / 1024
			long := strings.Repeat("x", 1024)
			for i := range lines {
				s.Logger().Info(long, "i", i)
			}
			now, cancel := context.WithCancel(t.Context())
			cancel()
			if err := s.Flush(now); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("Flush: %v", err)
			}
			h.release()
			if err := s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.Logger().Info(long, "i", lines)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			next, dropped := counted(t, h.all())
			if next != lines+1 || dropped < lines/2 || dropped > lines*3/4 {
				t.Errorf("%d lines, want %d; of these were dropped %d", next, lines+1, dropped)
			}
		})
	}
}

// A slow reader finds a few long gaps, and not one after every line.
func TestSlowReaderFindsFewGaps(t *testing.T) {
	h := newHanging(t)
	turn := make(chan struct{})
	s, err := logsink.OpenWith("feedd", logsink.Options{Sink: "eventlog"}, logsink.Outside{
		Event: func(_ uint16, _ uint32, text string) error {
			select {
			case <-turn:
			case <-h.released:
			}
			h.lines = append(h.lines, text)
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 16<<10)
	for range 2 * logsink.MostWaiting / len(long) {
		s.Logger().Info(long)
	}
	for range 200 { // one line gets through, ten are said
		turn <- struct{}{}
		for range 10 {
			s.Logger().Info(long)
		}
	}
	h.release()
	if err := s.Flush(t.Context()); err != nil { // Close has no time for a busy machine
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if gaps := strings.Count(strings.Join(h.lines, "\n"), "lines were dropped"); gaps < 1 || gaps > 5 {
		t.Errorf("%d gaps", gaps)
	}
}

// When there is little room left, only warnings and errors are queued.
func TestTroubleFindsRoom(t *testing.T) {
	h := newHanging(t)
	s := h.open(t, logsink.Options{Sink: "eventlog"})
	long := strings.Repeat("x", 4096)
	for range logsink.MostWaiting / 4096 {
		s.Logger().Info(long)
	}
	s.Logger().Info("of no interest" + long)
	s.Logger().Error("the trouble")
	h.release()
	if err := s.Flush(t.Context()); err != nil { // Close has no time for a busy machine
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	all := strings.Join(h.all(), "\n")
	if strings.Contains(all, "of no interest") || !strings.HasSuffix(all, "time\nthe trouble") {
		t.Errorf("it ends with %q", all[len(all)-200:])
	}
}

// A line of any length is queued if no other line waits.
func TestLongLineFindsRoom(t *testing.T) {
	h := newHanging(t)
	h.release()
	s := h.open(t, logsink.Options{Sink: "journald"})
	s.Logger().Info(strings.Repeat("x", 2*logsink.MostWaiting))
	if err := s.Flush(t.Context()); err != nil { // Close has no time for a busy machine
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if all := h.all(); len(all) != 1 || len(all[0]) != 2*logsink.MostWaiting {
		t.Errorf("%d lines", len(all))
	}
}

func TestIssue9A_CloseGivesUp(t *testing.T) {
	for name, o := range (&hanging{}).kinds() {
		if name == "stderr" {
			continue // a real pipe: no clock of a bubble goes on while somebody waits for it
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHanging(t)
				s := h.open(t, o)
				s.Logger().Info("never seen")
				begun := time.Now()
				if err := s.Close(); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("Close: %v", err)
				}
				if took := time.Since(begun); took != logsink.CloseTimeout {
					t.Errorf("took %v", took)
				}
				if err := s.Close(); err != nil || time.Since(begun) != logsink.CloseTimeout {
					t.Errorf("closed again: %v", err)
				}
			})
		})
	}
}

// Close writes everything logged before, however much it is.
func TestCloseFlushes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	b := newBed(t, logsink.Options{File: path})
	const lines = 5000
	for i := range lines {
		b.Logger().Info("line", "i", i)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if got := bytes.Count([]byte(read(t, path)), []byte("\n")); got != lines {
		t.Errorf("%d lines, want %d", got, lines)
	}
}

// A file that is behind gets lines of one level together, up to a length.
func TestLinesThatWaitGoIntoAFileTogether(t *testing.T) {
	const info, warn = slog.LevelInfo, slog.LevelWarn
	long := strings.Repeat("x", 40<<10)
	for name, tt := range map[string]struct {
		levels []slog.Level
		texts  []string
		want   string
		n      int
	}{
		"one":              {[]slog.Level{info}, []string{"a"}, "a", 1},
		"all of a level":   {[]slog.Level{info, info, info}, []string{"a", "", "c"}, "a\n\nc", 3},
		"up to another":    {[]slog.Level{info, info, warn, info}, []string{"a", "b", "c", "d"}, "a\nb", 2},
		"up to the length": {[]slog.Level{info, info, info}, []string{long, long, "c"}, long, 1},
		"a longer one":     {[]slog.Level{info, info}, []string{long + long, "b"}, long + long, 1},
	} {
		if got, n := logsink.Together(tt.levels, tt.texts); got != tt.want || n != tt.n {
			t.Errorf("%s: %d lines, %.20q", name, n, got)
		}
	}
}

// All lines arrive in order, whichever of them are written together.
func TestManyLinesInAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	s, err := logsink.Open("feedd", logsink.Options{File: path, MaxSizeMB: 1, MaxBackups: 100})
	if err != nil {
		t.Fatal(err)
	}
	const lines = 30000
	for i := range lines {
		if i%7 == 0 {
			s.Slog().Warn("line", "i", i)
		} else {
			s.Slog().Info("line", "i", i)
		}
		if i%1000 == 0 {
			if err := s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	all, err := filepath.Glob(path + "*")
	if err != nil || len(all) < 2 {
		t.Fatalf("%q, %v: it was not rotated", all, err)
	}
	seen := map[string]bool{}
	for _, file := range all {
		b, err := os.ReadFile(file)
		if err != nil || len(b) > 1<<20 {
			t.Errorf("%s has %d bytes, %v", file, len(b), err)
		}
		last := -1
		for line := range strings.Lines(string(b)) {
			m := number.FindStringSubmatch(line)
			if m == nil {
				t.Fatalf("%s: %q", file, line)
			}
			n, _ := strconv.Atoi(m[1])
			if n <= last || seen[m[1]] {
				t.Fatalf("%s: %d after %d", file, n, last)
			}
			last, seen[m[1]] = n, true
		}
	}
	if len(seen) != lines {
		t.Errorf("%d lines of %d", len(seen), lines)
	}
}

// A caller that waits for the log finds in it how many lines were dropped.
func TestWhatWasDroppedIsToldBeforeTheEnd(t *testing.T) {
	h := newHanging(t)
	s := h.open(t, h.kinds()["file"])
	long := strings.Repeat("x", 1024)
	for range 2 * logsink.MostWaiting / 1024 {
		s.Logger().Info(long)
	}
	now, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Flush(now); err == nil {
		t.Error("nobody has taken anything")
	}
	h.release()
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if all := h.all(); !strings.Contains(all[len(all)-1], "lines were dropped") {
		t.Errorf("it ends with %.100q", all[len(all)-1])
	}
}
