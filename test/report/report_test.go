package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// events returns the output of go test -json for lines "ACTION PKG TEST SECONDS OUTPUT"; -
// stands for nothing.
func events(lines ...string) string {
	var b strings.Builder
	for _, line := range lines {
		f := append(strings.SplitN(line, " ", 5), "-", "-", "-", "")
		for i := range f {
			f[i] = strings.TrimPrefix(f[i], "-")
		}
		e := event{Action: f[0], Package: "github.com/holdfast-dev/holdfast/" + f[1], Test: f[2]}
		e.Elapsed, _ = strconv.ParseFloat(f[3], 64)
		if len(f) == 9 { // all five
			e.Output = strings.SplitN(line, " ", 5)[4] + "\n"
		}
		text, _ := json.Marshal(e)
		b.Write(append(text, '\n'))
	}
	return b.String()
}

// report runs the program, and returns what it prints and its summary.
func report(t *testing.T, in string) (out, end string, code int) {
	t.Helper()
	notes := filepath.Join(t.TempDir(), "notes")
	var text, last bytes.Buffer
	code = run([]string{"-stage", "race", "-notes", notes, "-progress", notes + ".progress"}, strings.NewReader(in), &text)
	if c := run([]string{"-end", notes}, nil, &last); c != 0 {
		t.Fatalf("exit code %d at the end", c)
	}
	return text.String(), last.String(), code
}

func want(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n%s\nwant:\n%s", what, got, want)
	}
}

func TestTwoPackagesAtOnce(t *testing.T) {
	out, end, code := report(t, events(
		"run a TestX", "run b TestY", "output a TestX - === RUN   TestX",
		"run a TestX/one", "output a TestX/one -     x_test.go:3: a log of a test that passes",
		"output b TestY - --- PASS: TestY (2.50s)", "pass b TestY 2.5",
		"output a TestX/one - --- PASS: TestX/one (0.10s)", "pass a TestX/one 0.1",
		"output a TestX - --- PASS: TestX (0.10s)", "pass a TestX 0.1",
		"output b - - PASS", "output b - - ok  	b	2.6s", "pass b - 2.6",
		"output a - - PASS", "output a - - ok  	a	0.2s", "pass a - 0.2",
	))
	want(t, "output", out, "--- PASS: TestY (2.50s)\nok  \tb\t2.6s\n--- PASS: TestX (0.10s)\nok  \ta\t0.2s\n")
	want(t, "end", end, "\n=== the slowest tests\n    2.5s  race: b TestY\n    0.1s  race: a TestX/one\n")
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// The output of failed tests is printed, and nothing of tests that passed beside them.
func TestWhatFails(t *testing.T) {
	out, end, code := report(t, events(
		"run a TestX", "run a TestX/fine", "output a TestX/fine -     x_test.go:2: it works", "output a TestX/fine - --- PASS: TestX/fine (0.00s)", "pass a TestX/fine 0",
		"run a TestX/one", "output a TestX/one -     x_test.go:3: it broke", "output a TestX/one - --- FAIL: TestX/one (0.00s)",
		"fail a TestX/one 0", "output a TestX - --- FAIL: TestX (0.00s)", "fail a TestX 0",
		"output a - - FAIL", "output a - - FAIL	a	0.2s", "fail a - 0.2",
	))
	want(t, "output", out, "--- FAIL: TestX (0.00s)\n    x_test.go:3: it broke\n--- FAIL: TestX/one (0.00s)\nFAIL\nFAIL\ta\t0.2s\n")
	if !strings.HasSuffix(end, "\n=== 1 tests failed\nrace: a TestX/one  x_test.go:3: it broke\n") {
		t.Errorf("end:\n%s", end)
	}
	if code != 1 {
		t.Errorf("exit code %d", code)
	}
}

// A long run is over before somebody can read the output of a test in its middle, and a machine
// may keep only the end.
func TestTheEndSaysWhyTestsFailed(t *testing.T) {
	long := strings.Repeat("x", 300)
	_, end, _ := report(t, events(
		"run a TestX", "output a TestX -     x_test.go:2: first", "output a TestX -     x_test.go:3: then", "output a TestX -         it\tbroke",
		"output a TestX -         "+long, "output a TestX - --- FAIL: TestX (0.00s)", "fail a TestX 0",
		"run a TestY", "output a TestY -     testscript.go:609: WORK=$WORK", "output a TestY -         > do it", "output a TestY -         FAIL: y.txtar:7: it did not",
		"output a TestY -         - this", "output a TestY - --- FAIL: TestY (0.00s)", "fail a TestY 0", "run a TestZ", "fail a TestZ 0", "fail a - 0",
	))
	want := "\n=== 3 tests failed\nrace: a TestX  x_test.go:3: then\n    it broke\n    " + long[:verdictBytes-8] + "\n" +
		"race: a TestY  FAIL: y.txtar:7: it did not\n    - this\nrace: a TestZ\n"
	if !strings.HasPrefix(end[strings.Index(end, "\n=== 3"):], want) {
		t.Errorf("end:\n%s\nwant:\n%s", end, want)
	}
}

// Each of these is a failure, and no test reports it.
func TestFailuresWithoutATest(t *testing.T) {
	for name, tt := range map[string]struct{ in, out, end string }{
		"does not compile": {
			`{"ImportPath":"a","Action":"build-output","Output":"x.go:1:1: undefined: y\n"}` + "\n" + `{"ImportPath":"a","Action":"build-fail"}` + "\n" +
				events("start a", "output a - - FAIL	a [build failed]", "fail a - 0"),
			"x.go:1:1: undefined: y", "race: a  the package",
		},
		"ends in the middle": {
			events("run a TestX", "output a TestX - last words", "output a - - exit status 3", "output a - - FAIL	a	0.2s", "fail a - 0.2"),
			"last words", "race: a TestX  did not end",
		},
		"is cut off": {events("run a TestX", "output a TestX - last words"), "last words", "race: a  cut off"},
		"another package's tests do not count": {
			events("run ab TestX", "output ab TestX - --- FAIL: TestX (0.00s)", "fail ab TestX 0", "fail ab - 0", "fail a - 0"),
			"--- FAIL: TestX", "race: a  the package",
		},
	} {
		t.Run(name, func(t *testing.T) {
			out, end, code := report(t, tt.in)
			if code != 1 || !strings.Contains(out, tt.out) || !strings.Contains(end, tt.end) {
				t.Errorf("exit code %d, output:\n%s\nend:\n%s", code, out, end)
			}
		})
	}
}

func TestWhatWasSkippedOrHadToWaitIsRepeated(t *testing.T) {
	var lines []string
	for _, name := range []string{"TestA", "TestB", "TestC", "TestD"} {
		lines = append(lines, "run a "+name, "output a "+name+" -     x_test.go:3: no such machine", "output a "+name+" - --- SKIP: "+name+" (0.00s)", "skip a "+name+" 0")
	}
	lines = append(lines, "run a TestE", "output a TestE -     x_test.go:9: had to wait 31s: the door opens", "output a TestE - --- PASS: TestE (31.00s)", "pass a TestE 31",
		"output a - - ok  	a	31s", "pass a - 31")
	out, end, code := report(t, "go: downloading\n"+events(lines...))
	if !strings.HasPrefix(out, "go: downloading\n    x_test.go:3: no such machine\n--- SKIP: TestA (0.00s)\n") || code != 0 {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	for _, part := range []string{
		"=== 4 tests were skipped\nno such machine\n    race: a TestA; race: a TestB; race: a TestC; and 1 more\n",
		"=== this machine was slow, or busy: tests had to wait 1 times\nrace: a TestE: 31s: the door opens\n",
	} {
		if !strings.Contains(end, part) {
			t.Errorf("end does not say %q:\n%s", part, end)
		}
	}
}

func TestOnlyTheSlowestTen(t *testing.T) {
	var lines []string
	for i := range 25 {
		lines = append(lines, fmt.Sprintf("run a Test%d", i), fmt.Sprintf("pass a Test%d %d", i, i))
	}
	_, end, _ := report(t, events(append(lines, "pass a - 25")...))
	if strings.Count(end, "race: a Test") != 10 || !strings.Contains(end, "tests\n   24.0s  race: a Test24\n") || strings.Contains(end, "Test14\n") {
		t.Error(end)
	}
}

// If nothing ends any more, the last line says what does not end.
func TestProgress(t *testing.T) {
	begun := []string{"start a", "run a TestX", "run a TestX/one", "pause a TestX/one", "run a TestY", "fail a TestY 1", "cont a TestX/one"}
	for _, tt := range []struct {
		more []string
		want string
	}{
		{nil, "0 tests passed, 1 failed, last a TestY, 0 skipped; at a TestX/one\n"},
		{[]string{"start a/b", "run a TestZ"}, "0 tests passed, 1 failed, last a TestY, 0 skipped; at a TestX/one, a/b, a TestZ\n"},
		{[]string{"run b T1", "run b T2", "run b T3"}, "0 tests passed, 1 failed, last a TestY, 0 skipped; at a TestX/one, b T1, b T2 and 1 more\n"},
		{[]string{"pass a TestX/one 1", "pass a TestX 1"}, "2 tests passed, 1 failed, last a TestY, 0 skipped; at a\n"},
		{[]string{"pass a TestX/one 1", "pass a TestX 1", "start b", "fail a - 2"}, "2 tests passed, 1 failed, last a TestY, 0 skipped; at b\n"},
	} {
		file := filepath.Join(t.TempDir(), "progress")
		run([]string{"-progress", file}, strings.NewReader(events(append(begun, tt.more...)...)), new(bytes.Buffer))
		text, err := os.ReadFile(file)
		want(t, "progress", string(text), tt.want)
		if err != nil {
			t.Error(err)
		}
	}
}
