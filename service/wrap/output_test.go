package wrap_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/service/wrap"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// A book is a log that keeps or only counts lines.
type book struct {
	mu    sync.Mutex
	lines []string
	count atomic.Int64
	only  bool // count
}

func (b *book) Enabled(context.Context, slog.Level) bool { return true }
func (b *book) WithAttrs([]slog.Attr) slog.Handler       { return b }
func (b *book) WithGroup(string) slog.Handler            { return b }

func (b *book) Handle(_ context.Context, r slog.Record) error {
	b.count.Add(1)
	if b.only {
		return nil
	}
	text := fmt.Sprintf("%v %s", r.Level, r.Message)
	r.Attrs(func(a slog.Attr) bool { text += " " + a.String(); return true })
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, text)
	return nil
}

func (b *book) text() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.lines)
}

func noFlush(context.Context) error { return nil }

func outlet(t *testing.T, b *book, change func(*wrap.Output), flush func(context.Context) error) *wrap.Outlet {
	t.Helper()
	o := wrap.Defaults()
	if change != nil {
		change(&o.Output)
	}
	out, err := wrap.NewOutlet(o, slog.New(b), flush)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", 600)
	for _, c := range []struct {
		name, stdout, stderr string
		change               func(*wrap.Output)
		want                 []string
	}{
		{"lines, in order", "one\ntwo\r\n\nthree\n", "", nil, []string{"INFO one", "INFO two", "INFO ", "INFO three"}},
		{"stderr apart", "", "trouble\n", func(o *wrap.Output) { o.Stderr = "error" }, []string{"ERROR trouble stream=stderr"}},
		{"no newline at the end", "one\nhalf", "", nil, []string{"INFO one", "INFO half"}},
		{
			"a long line goes on in the next", long + "\nshort\n", "", func(o *wrap.Output) { o.MaxLine = 256 },
			[]string{"INFO " + long[:256], "INFO " + long[:256] + " continued=true", "INFO " + long[:88] + " continued=true", "INFO short"},
		},
		{
			"no character is cut in two", strings.Repeat("x", 255) + "ä\n", "", func(o *wrap.Output) { o.MaxLine = 256 },
			[]string{"INFO " + long[:255], "INFO ä continued=true"},
		},
		{"binary", "\x00\xff\xfe\n", "", nil, []string{"INFO \x00\xff\xfe"}},
		{"colours", "\x1b[1;31mred\x1b[0m \x1b]0;title\x07text\x1b(B\n", "", nil, []string{"INFO red text"}},
		{"colours that are wanted", "\x1b[1mbold\n", "", func(o *wrap.Output) { o.ANSI = true }, []string{"INFO \x1b[1mbold"}},
		{"nothing", "said\n", "", func(o *wrap.Output) { o.Stdout = "off" }, nil},
		{
			"a level by its name", "2026 WARN disk\n2026 odd\n[E] x\n", "", func(o *wrap.Output) { o.Level = `(?:^2026 |^\[)(\w+)` },
			[]string{"WARN 2026 WARN disk", "INFO 2026 odd", "ERROR [E] x"},
		},
		{
			"JSON", `{"level":"warning","msg":"slow","ms":12,"db":{"name":"a"}}` + "\n{no json}\n" + `[1]` + "\n", "", func(o *wrap.Output) { o.JSON = true },
			[]string{"WARN slow db=[name=a] ms=12", "INFO {no json}", "INFO [1]"},
		},
		{
			"JSON's long numbers are whole", `{"msg":"m","id":12345678901234567890,"in":[1.0,{"id":90071992547409931}]}` + "\n" + `{"msg":"m"} {"n":1}` + "\n", "",
			func(o *wrap.Output) { o.JSON = true },
			[]string{"INFO m id=12345678901234567890 in=[1.0 map[id:90071992547409931]]", `INFO {"msg":"m"} {"n":1}`},
		},
		{
			"JSON's deepest objects are text", strings.Repeat(`{"a":`, 18) + "1" + strings.Repeat("}", 18) + "\n", "", func(o *wrap.Output) { o.JSON = true },
			[]string{"INFO  " + strings.Repeat("a=[", 16) + "a=map[a:1]" + strings.Repeat("]", 16)},
		},
		{"JSON whose level nobody knows", `{"level":7,"message":"m"}` + "\n", "", func(o *wrap.Output) { o.JSON = true }, []string{"INFO m level=7"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &book{}
			out := outlet(t, b, c.change, noFlush)
			_, err1 := io.WriteString(out.Stdout, c.stdout)
			_, err2 := io.WriteString(out.Stderr, c.stderr)
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
			out.End(wait.Limit)
			if got := b.text(); !slices.Equal(got, c.want) {
				t.Errorf("logged\n%q, want\n%q", got, c.want)
			}
		})
	}
}

// The lines are the same, whatever the pieces in which they are written.
func FuzzLines(f *testing.F) {
	f.Add("one\ntwo\n", 1)
	f.Add("\x1b[0m\nä\r\n"+strings.Repeat("y", 700), 3)
	f.Fuzz(func(t *testing.T, text string, piece int) {
		lines := func(size int) []string {
			b := &book{}
			out := outlet(t, b, func(o *wrap.Output) { o.MaxLine = 256 }, noFlush)
			for rest := text; rest != ""; {
				n := min(size, len(rest))
				if _, err := io.WriteString(out.Stdout, rest[:n]); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
			out.End(wait.Limit)
			return b.text()
		}
		if piece < 1 || len(text) > 64<<10 {
			t.Skip()
		}
		if a, b := lines(len(text)+1), lines(piece); !slices.Equal(a, b) {
			t.Errorf("whole: %q\nin pieces of %d: %q", a, piece, b)
		}
	})
}

// A line without an end is logged after a while, and its rest as its continuation.
func TestPartialLine(t *testing.T) {
	b := &book{}
	out := outlet(t, b, nil, noFlush)
	if _, err := io.WriteString(out.Stdout, "password: "); err != nil {
		t.Fatal(err)
	}
	if err := out.Stdout.SetWriteDeadline(time.Time{}); err != nil {
		t.Skip("pipes of this system know no time")
	}
	wait.Until(t, "the question is logged", func() bool { return len(b.text()) == 1 })
	if _, err := io.WriteString(out.Stdout, "thanks\nnext\n"); err != nil {
		t.Fatal(err)
	}
	out.End(wait.Limit)
	if got := b.text(); !slices.Equal(got, []string{"INFO password: ", "INFO thanks continued=true", "INFO next"}) {
		t.Errorf("logged %q", got)
	}
}

// A pause or its length divides a line into parts. It is still one line to ready.log, and its parts have one level.
func TestALineInPartsIsOneLine(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, text := range []string{"[error] the server is", "[error] " + long[:246]} { // a pause, and the longest line of 256 bytes
		b := &book{}
		o := wrap.Defaults()
		o.Output.Level, o.Output.MaxLine, o.Ready.Log = `^\[(\w+)\]`, 256, `(the server |x)is up`
		out, err := wrap.NewOutlet(o, slog.New(b), noFlush)
		if err != nil {
			t.Fatal(err)
		}
		if text[8] == 'x' {
			text += "is up\n"
		}
		if _, err := io.WriteString(out.Stdout, text); err != nil {
			t.Fatal(err)
		}
		if err := out.Stdout.SetWriteDeadline(time.Time{}); err != nil {
			t.Skip("pipes of this system know no time")
		}
		if text[8] != 'x' {
			wait.Until(t, "its beginning is logged", func() bool { return len(b.text()) == 1 })
			if _, err := io.WriteString(out.Stdout, " up\n"); err != nil {
				t.Fatal(err)
			}
		}
		wait.For(t, "the line matches", out.Matched())
		if _, err := io.WriteString(out.Stdout, "next\n"); err != nil {
			t.Fatal(err)
		}
		out.End(wait.Limit)
		got := b.text()
		if len(got) != 3 || !strings.HasPrefix(got[0], "ERROR [error] ") || !strings.HasPrefix(got[1], "ERROR ") || !strings.HasSuffix(got[1], "continued=true") || got[2] != "INFO next" {
			t.Errorf("logged %q", got)
		}
	}
}

// If no line may be dropped and the log is too slow, the command waits. Nothing is lost, and the memory
// is limited.
func TestBackPressure(t *testing.T) {
	const lines, size = 100_000, 1 << 10 // 100 MiB
	b := &book{only: true}
	free, waits := make(chan struct{}), make(chan struct{}, 1)
	out := outlet(t, b, nil, func(ctx context.Context) error {
		select {
		case waits <- struct{}{}:
		default:
		}
		select {
		case <-free:
		case <-ctx.Done():
		}
		return ctx.Err()
	})
	written := make(chan error, 1)
	go func() { written <- writeLines(out.Stdout, lines, size) }()
	wait.For(t, "the log is waited for", waits)
	for last := int64(-1); last != b.count.Load(); time.Sleep(50 * time.Millisecond) { // the reader goes on beside the flush
		last = b.count.Load()
	}
	if n := b.count.Load() * size; n > wrap.MostAhead {
		t.Errorf("%d bytes are ahead of the log, want at most %d", n, wrap.MostAhead)
	}
	select {
	case err := <-written:
		t.Errorf("all was written though the log takes nothing: %v", err)
	default:
	}
	close(free)
	begin := time.Now()
	if err := wait.For(t, "all is written", written); err != nil {
		t.Fatal(err)
	}
	out.End(wait.Limit)
	t.Logf("%.0f MiB/s", float64(lines*size)/(1<<20)/time.Since(begin).Seconds())
	if n := b.count.Load(); n != lines {
		t.Errorf("%d lines of %d arrived", n, lines)
	}
}

// If lines may be dropped, the log counts them, and the command never waits.
func TestDrop(t *testing.T) {
	const lines = 20_000
	b := &book{only: true}
	out := outlet(t, b, func(o *wrap.Output) { o.Full = "drop" }, func(context.Context) error { t.Error("the log was waited for"); return nil })
	if err := writeLines(out.Stdout, lines, 1<<10); err != nil {
		t.Fatal(err)
	}
	out.End(wait.Limit)
	if n := b.count.Load(); n != lines {
		t.Errorf("%d lines of %d were handed to the log", n, lines)
	}
}

// A log that hangs does not delay the end of the command for ever.
func TestEndWithALogThatHangs(t *testing.T) {
	b := &book{only: true}
	waits := make(chan struct{}, 1)
	out := outlet(t, b, nil, func(ctx context.Context) error {
		select {
		case waits <- struct{}{}:
		default:
		}
		<-ctx.Done()
		return ctx.Err()
	})
	go func() { _ = writeLines(out.Stdout, 1<<20, 1<<10) }() // until the pipe is closed
	wait.For(t, "the log is waited for", waits)
	out.End(10 * time.Millisecond)
}

func writeLines(w *os.File, n, size int) error {
	block := bytes.Repeat(append(bytes.Repeat([]byte("x"), size-1), '\n'), 64)
	for ; n > 0; n -= 64 {
		if _, err := w.Write(block[:min(n, 64)*size]); err != nil {
			return err
		}
	}
	return nil
}

func TestLastLines(t *testing.T) {
	out := outlet(t, &book{}, nil, noFlush)
	for i := range 25 {
		if _, err := fmt.Fprintf(out.Stdout, "line %d\n\n", i); err != nil {
			t.Fatal(err)
		}
	}
	out.End(wait.Limit)
	if got := out.Said(); !strings.HasPrefix(got, "line 15 | line 16") || !strings.HasSuffix(got, "| line 24") {
		t.Errorf("the last lines are %q", got)
	}
}
