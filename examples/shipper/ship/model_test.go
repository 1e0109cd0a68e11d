//go:build unix

package ship_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/examples/shipper/ship"
)

// Whatever happens in whatever order, in the end every line is in the output once, and the
// lines of one file are in order.
func TestExactlyOnceWhateverHappens(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel() // it mostly waits for the disk
			m := newModel(t, seed)
			for range 60 {
				m.step()
			}
			m.finish()
		})
	}
}

// A model does random things to a Shipper and its files.
type model struct {
	*bed
	rand    *rand.Rand
	writers [3]writer
	rotated int
	trace   []string
}

// A writer writes numbered lines to a log, which is rotated.
type writer struct {
	lines int
	file  int  // the current file
	half  bool // the last line is incomplete
	known bool // the Shipper has read some of the current file
}

func newModel(t *testing.T, seed uint64) *model {
	m := &model{rand: rand.New(rand.NewPCG(seed, 0))}
	m.bed = newBed(t, func(b *bed) {
		b.opts.Inputs = []string{b.path("in/*.log"), b.path("in/*.rotated")}
		b.hooks.MaxLine = 64
	}).open()
	return m
}

func (m *model) step() {
	who := m.rand.IntN(len(m.writers))
	w, log := &m.writers[who], fmt.Sprintf("%d.log", who)
	_, err := os.Lstat(m.path("in/" + log))
	there := err == nil
	switch m.rand.IntN(10) {
	case 0, 1, 2:
		m.write(w, log, who)
	case 3:
		if there && !w.half {
			m.rotate(w, log, "rotated") // also an input
		}
	case 4:
		if there && !w.half && w.known {
			m.rotate(w, log, "old")
		}
	case 5:
		m.note("kill")
		m.open()
	case 6:
		m.die()
	case 7:
		m.fail()
	case 8:
		inputs := m.opts.Inputs
		if m.rand.IntN(2) == 0 {
			inputs = []string{m.path(fmt.Sprintf("in/%d.*", who))}
		}
		m.note("select %d", len(inputs))
		m.must(m.Select(ship.Selection{Inputs: inputs}))
	case 9:
		m.shipAll()
	}
}

func (m *model) note(format string, args ...any) {
	m.trace = append(m.trace, fmt.Sprintf(format, args...))
}

func (m *model) write(w *writer, log string, who int) {
	m.note("write %s", log)
	for range 1 + m.rand.IntN(5) {
		if !w.half {
			m.add(log, fmt.Sprintf("%d:%d:%d", who, w.file, w.lines))
			w.lines++
		}
		w.half = m.rand.IntN(4) == 0
		if w.half {
			return
		}
		m.add(log, "\n")
		if m.rand.IntN(8) == 0 {
			m.add(log, strings.Repeat("x", 200)+"\n") // too long to be shipped
		}
	}
}

func (m *model) rotate(w *writer, log, suffix string) {
	m.rotated++
	m.note("rotate %s %s", log, suffix)
	m.rename(log, fmt.Sprintf("%s.%d.%s", log, m.rotated, suffix))
	w.known = false
	w.file++
}

// die crashes within a turn, if the turn has anything to do.
func (m *model) die() {
	at := []ship.Stage{ship.Appended, ship.Saved}[m.rand.IntN(2)]
	m.note("die at %s", at)
	m.crash(at)
	m.open()
}

func (m *model) fail() {
	m.note("fail")
	repair, err := m.BreakOutput()
	m.must(err)
	_, _ = m.Turn() // the turn may have nothing to write
	repair()
}

func (m *model) shipAll() {
	m.note("ship all")
	m.must(m.Select(m.opts.Selection))
	m.ship()
	for i := range m.writers {
		w := &m.writers[i]
		text, _ := os.ReadFile(m.path(fmt.Sprintf("in/%d.log", i)))
		w.known = w.known || strings.Contains(string(text), "\n")
	}
}

func (m *model) finish() {
	m.t.Helper()
	for i := range m.writers {
		if m.writers[i].half {
			m.add(fmt.Sprintf("%d.log", i), "\n")
		}
	}
	m.shipAll()
	wantOnce(m.t, m.read("out/all"), []int{m.writers[0].lines, m.writers[1].lines, m.writers[2].lines})
	if m.t.Failed() {
		m.t.Logf("%s\n%s", strings.Join(m.trace, "\n"), m.log)
	}
}

// wantOnce requires every line that the writers have written, as WRITER:FILE:LINE, once, and
// the lines of one file in order.
func wantOnce(t testing.TB, output string, lines []int) {
	t.Helper()
	type file struct{ writer, number int }
	last := make(map[file]int)
	times := make([]map[int]int, len(lines))
	for i := range times {
		times[i] = make(map[int]int)
	}
	for line := range strings.Lines(output) {
		var f file
		var n int
		if _, err := fmt.Sscanf(line, "%d:%d:%d\n", &f.writer, &f.number, &n); err != nil || f.writer >= len(lines) {
			t.Errorf("line %q: %v", line, err)
			return
		}
		if before, ok := last[f]; ok && n <= before {
			t.Errorf("line %d of writer %d comes after its line %d", n, f.writer, before)
		}
		last[f] = n
		times[f.writer][n]++
	}
	for w := range lines {
		for n := range lines[w] {
			if times[w][n] != 1 {
				t.Errorf("line %d of writer %d came %d times", n, w, times[w][n])
			}
			delete(times[w], n)
		}
		if len(times[w]) > 0 {
			t.Errorf("writer %d never wrote %v", w, times[w])
		}
	}
}
