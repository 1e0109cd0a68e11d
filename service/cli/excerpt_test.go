package cli_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// dump is the output of a program that panics in a goroutine, with more goroutines than
// anybody reads.
func dump() string {
	text := `panic: cannot feed: no feed
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x1]

goroutine 17 [running]:
panic({0x5a1c20?, 0x6b8d30?})
	/usr/lib/go/src/runtime/panic.go:787 +0x132
runtime.panicmem(...)
	/usr/lib/go/src/runtime/panic.go:262
example.com/feedd/feed.(*Reader).Open(0xc000012345, {0x1, 0x2})
	/src/feedd/feed/reader.go:42 +0x1d
main.(*program).loop(...)
	/src/feedd/main.go:17 +0x5
created by main.(*program).Start in goroutine 1
	/src/feedd/main.go:11 +0x99

goroutine 1 [select, 2 minutes]:
github.com/holdfast-dev/holdfast/service.(*life).live(0xc0000)
	/src/holdfast/service/life.go:99 +0x11
main.main()
	/src/feedd/main.go:7 +0x22
`
	for i := range 50 {
		text += fmt.Sprintf("\ngoroutine %d [chan receive]:\nmain.wait(...)\n\t/src/feedd/main.go:%d +0x1\ncreated by main.main in goroutine 1\n\t/src/feedd/main.go:5 +0x4\n", i+20, i+20)
	}
	return text + "exit status 2\n"
}

func lines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }

// A failure is shown with its reason. Of a stack dump only the headline and the place in the
// program are shown, whether the log is a file, the journal, or our own.
func TestIssue10_TheReasonIsShownAndNotTheTailOfADump(t *testing.T) {
	const reason = "2026-01-02T12:00:00.000Z [ERROR] cannot feed: no feed"
	frames := []string{
		"example.com/feedd/feed.(*Reader).Open(0xc000012345, {0x1, 0x2}) at /src/feedd/feed/reader.go:42 +0x1d",
		"main.(*program).loop(...) at /src/feedd/main.go:17 +0x5",
	}
	in := func(prefix string, all ...string) (prefixed []string) {
		for _, line := range all {
			prefixed = append(prefixed, prefix+line)
		}
		return prefixed
	}
	const journal = "Jan 02 12:00:00 host feedd[4711]: "
	const manager = "Jan 02 12:00:01 host systemd[1]: "
	after := in(manager, "feedd.service: Main process exited, code=exited, status=2/INVALIDARGUMENT", "feedd.service: Failed with result 'exit-code'.")
	ours := []string{reason[:25] + "[ERROR] the program panicked: in=Start value=boom", "  stack="}
	for name, tt := range map[string]struct{ log, want []string }{
		"a file":      {append([]string{reason}, lines(dump())...), append([]string{reason, "panic: cannot feed: no feed"}, frames...)},
		"the journal": {append(in(journal, append([]string{reason}, lines(dump())...)...), after...), append(in(journal, append([]string{reason, "panic: cannot feed: no feed"}, frames...)...), after...)},
		"our own": {
			append(append(ours, in("  | ", lines(strings.SplitAfterN(dump(), "\n\n", 3)[1])...)...), reason),
			append([]string{ours[0]}, append(in("  | ", frames...), reason)...),
		},
		"a forced stop": {
			[]string{reason, "x [ERROR] still running: goroutine 7 [select]", "  stack=", "  | main.wait(...)", "  | \t/src/main.go:7 +0x1"}, []string{reason},
		},
		"no dump":    {[]string{"a", "calls f(x)", "b.c(d) fails", reason}, []string{"a", "calls f(x)", "b.c(d) fails", reason}},
		"the last 8": {strings.Fields("0 1 2 3 4 5 6 7 8 9"), strings.Fields("2 3 4 5 6 7 8 9")},
	} {
		t.Run(name, func(t *testing.T) {
			if got := cli.Excerpt(tt.log, 8); strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

// start and status do the same with a log file.
func TestIssue10_StartShowsTheReasonBeforeADump(t *testing.T) {
	p := newPlace(t)
	p.cfg.Log.File = filepath.Join(p.dir, "feedd.log")
	p.m.on = func(string) { p.put(p.cfg.Log.File, "[ERROR] cannot feed: no feed\n"+dump()) }
	p.m.acts = &platform.FailedError{How: "exit code 2"}
	p.wants("start", 1, "[ERROR] cannot feed: no feed", "start")
	if said := p.errs.String(); !strings.Contains(said, "reader.go:42") || strings.Contains(said, "goroutine") {
		t.Errorf("it says\n%s", said)
	}
	p.m.st.Phase = platform.PhaseFailed
	p.wants("status", 3, "[ERROR] cannot feed: no feed")
}

// The log writes a tab as \t in multi-line values. A place is still recognised.
func TestExcerptKnowsQuotedPlaces(t *testing.T) {
	lines := []string{
		`Nov 29 04:32:53 h webd[7]: panicked: what="panic in Start: nil map"`,
		`                             stack=`,
		`                           | goroutine 1 [running]:`,
		`                           | main.(*webd).Start(0xc000)`,
		`                           | \t/src/main.go:66 +0x1a5`,
		`                           | github.com/holdfast-dev/holdfast/service.call(0x1)`,
		`                           | \t/src/service/call.go:40 +0xf9`,
		`Nov 29 04:32:53 h webd[7]: failed: exit_code=70`,
	}
	got := strings.Join(cli.Excerpt(lines, 8), "\n")
	if strings.Contains(got, "call.go") || !strings.Contains(got, "nil map") || !strings.Contains(got, "main.(*webd).Start(0xc000) at /src/main.go:66") {
		t.Errorf("%s", got)
	}
}
