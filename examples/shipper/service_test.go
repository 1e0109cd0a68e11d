//go:build unix

package main_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

func TestLife(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.configure("match = '^a'\nstop_delay = '10ms'")
	b.add("x.log", "a1\nb1\n")
	p := b.ready()
	p.awaitOutput("a1 ")
	p.await("status", func() bool { return b.state().StatusText == "1 file, 1 line shipped" })

	b.configure("match = '^b'")
	if err := p.reload(); err != "" {
		t.Fatal(err)
	}
	b.add("x.log", "a2\nb2\n")
	p.awaitOutput("a1 b2 ")
	b.add("x.log", "b3\nb4") // the stop may come before the shipper has seen it
	p.stop()
	if got := b.output(); got != "a1\nb2\nb3\n" {
		t.Errorf("output %q after the stop", got)
	}
	b.add("x.log", "\n")
	p = b.ready()
	p.awaitOutput("a1 b2 b3 b4 ")
	p.stop()
}

// An invalid file is refused as a whole, including its valid parts.
func TestReloadRefusals(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.configure("match = '^a'")
	p := b.ready()
	want := ""
	for i, c := range []struct{ text, says string }{
		{b.text("match = '('"), `:4: shipper.match`},
		{b.text("match = '^b'\nmacth = 'x'"), `:5: shipper.macth: unknown`},
		{b.text("match = '^b'\nstop_delay = '-1s'"), "is negative"},
		{b.text("match = '^b'\nstop_delay = 3"), "missing unit"},
		{"[shipper]\nmatch = '^b'\ninputs = []\noutput = " + fmt.Sprintf("%q", b.path("out/all")), `:3: shipper.inputs: missing`},
		{"[shipper]\nmatch = '^b'\ninputs = ['/[']\noutput = " + fmt.Sprintf("%q", b.path("out/all")), `:3: shipper.inputs: syntax error in pattern`},
		{"[shipper]\nmatch = '^b'\ninputs = ['x.log']\noutput = " + fmt.Sprintf("%q", b.path("out/all")), "is not an absolute path"},
		{"[shipper]\nmatch = '^b'\ninputs = ['/x.log']\noutput = '/other'", "shipper.output cannot change while the shipper runs"},
		{"[shipper]\nmatch = '^b'\ninputs = ['" + b.path("out/*") + "']\noutput = " + fmt.Sprintf("%q", b.path("out/all")), "would be shipped into itself"},
		{"[shipper]\nmatch = '^b'\ninputs", ":3: "},
		{"", `shipper.inputs: missing`},
	} {
		b.write("config.toml", c.text)
		if err := p.reload(); !strings.Contains(err, c.says) || !strings.Contains(err, b.path("config.toml")) {
			t.Errorf("%q: error %q, want %q and the file's name", c.text, err, c.says)
		}
		b.add("x.log", fmt.Sprintf("b%d\na%d\n", i, i))
		want += fmt.Sprintf("a%d ", i)
		p.awaitOutput(want)
	}
	b.configure("match = '^b'\nstart_delay = '1h'")
	if err := p.reload(); err != "" {
		t.Error(err)
	}
	p.stop()
	if !strings.Contains(p.log.String(), "take effect at the next start") {
		t.Error("nobody was told that start_delay did not change")
	}
}

// The shipper is really killed again and again, and reloaded all the time.
func TestExactlyOnceAcrossKill9AndReload(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	stop, done := make(chan struct{}), make(chan int)
	go func() {
		for n := 0; ; n++ {
			b.add("x.log", fmt.Sprintf("%d\n", n))
			if n%50 == 49 {
				if err := os.Rename(b.path("in/x.log"), b.path(fmt.Sprintf("in/x.log.%d", n))); err != nil {
					t.Error(err)
				}
			}
			select {
			case <-stop:
				done <- n
				return
			case <-time.After(100 * time.Microsecond):
			}
		}
	}()
	matches := []string{"", "match = '^[0-9]+$'"} // with the same meaning
	for round := range 6 {
		p := b.ready()
		for i := range rand.IntN(4) {
			b.configure(matches[(round+i)%2])
			p.signal(syscall.SIGHUP)
			time.Sleep(time.Duration(rand.IntN(50_000)) * time.Microsecond)
		}
		p.signal(syscall.SIGKILL)
		_ = p.exit()
	}
	p := b.ready()
	close(stop)
	last := <-done
	p.stop()
	count := make(map[string]int)
	for line := range strings.Lines(b.output()) {
		count[strings.TrimSpace(line)]++
	}
	for n := range last + 1 {
		if c := count[fmt.Sprint(n)]; c != 1 {
			t.Errorf("line %d came %d times", n, c)
		}
	}
	if len(count) != last+1 {
		t.Errorf("%d different lines, want %d", len(count), last+1)
	}
	t.Logf("%d lines", last+1)
}

func TestSlowPrograms(t *testing.T) {
	t.Run("a stop during start_delay", func(t *testing.T) {
		t.Parallel()
		b := newBed(t)
		b.configure("start_delay = '1h'")
		p := b.start()
		p.await("start", func() bool { return b.state().Phase == platform.PhaseStarting })
		p.stop()
		if b.output() != "" {
			t.Error("it shipped before its time")
		}
	})
	t.Run("a stop_delay that does not fit loses nothing", func(t *testing.T) {
		t.Parallel()
		b := newBed(t)
		b.configure("stop_delay = '1h'\n[service]\nstop_timeout = '300ms'")
		p := b.ready()
		b.add("x.log", "1\n")
		p.signal(syscall.SIGTERM)
		if code := p.exit(); code != platform.ExitFailed || !strings.Contains(p.log.String(), "overran its time limit") {
			t.Errorf("exit code %d, log:\n%s", code, &p.log)
		}
		b.configure("")
		p = b.ready()
		p.awaitOutput("1 ")
		p.stop()
	})
}
