package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/test/wait"
)

// An event is a line of go test -json: see go doc test2json.
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64 // seconds
}

// A reader turns events into text and notes.
type reader struct {
	out      io.Writer
	progress func(line string)

	packages map[string]*packageRun
	running  []string // running packages and tests, the oldest first
	notes    []note
	failed   bool

	passed, wrong, omitted int    // numbers of tests, for the progress
	wrongAt                string // the last test that failed
}

// A packageRun is a package whose tests are running.
type packageRun struct {
	text   strings.Builder // printed at its end
	tests  []*testRun      // in the order of their start, without those that are printed, or passed within another
	parent map[string]bool // tests that have subtests
}

// A testRun is a test or a subtest.
type testRun struct {
	name string
	text strings.Builder
}

func (p *packageRun) find(test string) *testRun {
	i := slices.IndexFunc(p.tests, func(t *testRun) bool { return t.name == test })
	if i < 0 {
		p.tests = append(p.tests, &testRun{name: test})
		i = len(p.tests) - 1
	}
	return p.tests[i]
}

// take removes a test and its subtests, and returns their text.
func (p *packageRun) take(test string) string {
	var b strings.Builder
	p.tests = slices.DeleteFunc(p.tests, func(t *testRun) bool {
		within := t.name == test || strings.HasPrefix(t.name, test+"/")
		if within {
			b.WriteString(t.text.String())
		}
		return within
	})
	return b.String()
}

// A note is repeated at the end.
type note struct {
	kind    string // fail, skip, wait, took
	seconds float64
	test    string
	text    string // one line, or several if it failed
}

func (r *reader) read(in io.Reader) error {
	r.packages = map[string]*packageRun{}
	for lines := bufio.NewReader(in); ; {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil || e.Action == "" {
				_, _ = r.out.Write(line) // output of the go command itself
			} else {
				r.take(e)
			}
		}
		if err == io.EOF {
			return r.left()
		}
		if err != nil {
			return err
		}
	}
}

// left prints what an interrupted run has left.
func (r *reader) left() error {
	for name, p := range r.packages {
		r.failed = true
		r.notes = append(r.notes, note{kind: "fail", test: short(name, ""), text: "cut off"})
		for _, t := range p.tests {
			p.text.WriteString(t.text.String())
		}
		if _, err := io.WriteString(r.out, p.text.String()); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) take(e event) {
	switch e.Action {
	case "build-output":
		_, _ = io.WriteString(r.out, e.Output)
		return
	case "build-fail":
		r.failed = true
		return
	}
	p := r.packages[e.Package]
	if p == nil {
		p = &packageRun{parent: map[string]bool{}}
		r.packages[e.Package] = p
	}
	defer r.tell(e)
	switch e.Action {
	case "run":
		p.find(e.Test)
		for dir := path.Dir(e.Test); dir != "." && !p.parent[dir]; dir = path.Dir(dir) {
			p.parent[dir] = true
		}
	case "output":
		r.output(p, e)
	case "pass", "fail", "skip":
		if e.Test != "" {
			r.endTest(p, e)
			return
		}
		if e.Action == "fail" {
			r.failed = true
			for _, t := range p.tests { // they did not end
				p.text.WriteString(t.text.String())
				r.note("fail", e, t.name, "did not end")
			}
			if r.failures(short(e.Package, "")+" ") == 0 {
				r.note("fail", e, "", "the package")
			}
		}
		_, _ = io.WriteString(r.out, p.text.String())
		delete(r.packages, e.Package)
	}
}

func (r *reader) output(p *packageRun, e event) {
	if strings.HasPrefix(e.Output, "=== ") {
		return // RUN, PAUSE, CONT and NAME
	}
	if e.Test == "" {
		if e.Output != "PASS\n" {
			p.text.WriteString(e.Output)
		}
		return
	}
	if _, what, found := strings.Cut(e.Output, wait.Marker); found {
		r.note("wait", e, e.Test, strings.TrimSpace(what))
	}
	p.find(e.Test).text.WriteString(e.Output)
}

var place = regexp.MustCompile(`^ *\S+\.go:\d+: `) // at the start of a line in a test's log

func (r *reader) endTest(p *packageRun, e event) {
	if !p.parent[e.Test] {
		r.notes = append(r.notes, note{"took", e.Elapsed, short(e.Package, e.Test), ""})
	}
	switch e.Action {
	case "pass":
		r.passed++
	case "skip":
		r.omitted++
		r.note("skip", e, e.Test, reason(p.find(e.Test).text.String()))
	case "fail":
		r.wrong++
		r.failed = true
		r.wrongAt = ", last " + short(e.Package, e.Test)
		if !p.parent[e.Test] || r.failures(short(e.Package, e.Test)+"/") == 0 {
			r.note("fail", e, e.Test, verdict(p.find(e.Test).text.String()))
		}
	}
	within := strings.Contains(e.Test, "/")
	switch {
	case within && e.Action == "pass":
		p.take(e.Test)
	case within: // printed with its parent test if that fails
	case e.Action == "pass":
		for line := range strings.Lines(p.take(e.Test)) {
			if strings.HasPrefix(line, "--- PASS: "+e.Test+" (") {
				p.text.WriteString(line)
			}
		}
	default:
		p.text.WriteString(p.take(e.Test))
	}
}

// A verdict has at most so many lines, of at most so many bytes.
const (
	verdictLines = 8
	verdictBytes = 240
)

// verdict returns what a failed test says last: the failure of a testscript, or else the last
// that was logged. What else it printed stands far above the end of a long run, if anywhere.
func verdict(text string) string {
	lines, from := strings.Split(strings.TrimSpace(text), "\n"), 0
	for i, line := range lines {
		if place.MatchString(line) || strings.HasPrefix(strings.TrimSpace(line), "FAIL: ") {
			from = i
		}
	}
	lines = slices.DeleteFunc(lines[from:], func(line string) bool { return strings.HasPrefix(line, "--- FAIL: ") })
	lines = lines[:min(verdictLines, len(lines))]
	for i, line := range lines {
		lines[i] = strings.TrimRight(line[:min(verdictBytes, len(line))], " ")
	}
	return strings.Join(lines, "\n")
}

// reason returns the last line that was logged, which says why a test was skipped. A
// testscript logs its commands.
func reason(text string) string {
	last := ""
	for line := range strings.Lines(text) {
		if trimmed := strings.TrimSpace(line); trimmed != "" && !strings.HasPrefix(trimmed, "--- SKIP: ") {
			last = strings.TrimPrefix(trimmed, "> ")
		}
	}
	return strings.TrimSpace(last[len(place.FindString(last)):])
}

func (r *reader) note(kind string, e event, test, text string) {
	r.notes = append(r.notes, note{kind, e.Elapsed, short(e.Package, test), text})
}

// failures counts the failed tests whose names have that prefix.
func (r *reader) failures(begin string) (n int) {
	for _, note := range r.notes {
		if note.kind == "fail" && strings.HasPrefix(note.test, begin) {
			n++
		}
	}
	return n
}

// tell updates the progress with the running tests. If nothing ends any more, they show what
// hangs.
func (r *reader) tell(e event) {
	name := short(e.Package, e.Test)
	switch e.Action {
	case "start", "run", "cont":
		r.running = append(r.running, name)
	case "pause", "pass", "fail", "skip":
		r.running = slices.DeleteFunc(r.running, func(other string) bool { return other == name })
	default:
		return
	}
	at := slices.DeleteFunc(slices.Clone(r.running), func(name string) bool {
		part := name + " " // a package's test
		if strings.Contains(name, " ") {
			part = name + "/" // a test's
		}
		return slices.ContainsFunc(r.running, func(other string) bool { return strings.HasPrefix(other, part) })
	})
	more := ""
	if n := len(at) - mostRunning; n > 0 {
		at, more = at[:mostRunning], fmt.Sprintf(" and %d more", n)
	}
	r.progress(fmt.Sprintf("%d tests passed, %d failed%s, %d skipped; at %s%s",
		r.passed, r.wrong, r.wrongAt, r.omitted, strings.Join(at, ", "), more))
}

// mostRunning limits the running tests that the progress names.
const mostRunning = 3

// short returns the name of a test or package without the module.
func short(pkg, test string) string {
	pkg = strings.TrimPrefix(pkg, "github.com/holdfast-dev/holdfast/")
	return strings.TrimSpace(pkg + " " + test)
}
