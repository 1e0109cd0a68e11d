//go:build linux

package kardianos_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/test/bed"
	"github.com/holdfast-dev/holdfast/test/wait"
)

const drive = "/wine/drive_c/"

// onWindows plays the parts for Windows' service control manager.
func onWindows(t *testing.T, b *bed.Bed, w *shop) {
	if err := b.Put(w.get(t, "windows", "agent"), drive+"a b/agent.exe", 0o755); err != nil {
		t.Fatal(err)
	}
	for name, play := range map[string]func(*windows){"Life": lifeOnWindows, "MovingInPlace": movingOnWindows} {
		t.Run(name, func(t *testing.T) {
			halve(t, name, b)
			play(&windows{t, b})
		})
	}
	for name, play := range map[string]func(*testing.T, *bed.Bed, *shop){"TheLibrarysOwnTests": ownTestsOnWindows, "TheLibrarysExamples": examplesOnWindows} {
		t.Run(name, func(t *testing.T) {
			halve(t, name, b)
			play(t, b, w)
		})
	}
}

// windows is a bed with the agent, on which Windows' service control manager runs.
type windows struct {
	*testing.T
	bed *bed.Bed
}

// run runs a command in the bed.
func (s *windows) run(argv ...string) (out string, code int) {
	s.Helper()
	ctx, done := wait.Context(s, context.Background(), strings.Join(argv, " "))
	defer done()
	stdout, stderr, code, err := s.bed.Run(ctx, argv...)
	if err != nil {
		s.Fatalf("%q: %v", argv, err)
	}
	return stdout + stderr, code
}

func (s *windows) journal() string {
	s.Helper()
	out, _ := s.run("cat", drive+"journal")
	return out
}

// call makes the agent do something, and fails the test unless it says want. If want is a
// failure, the agent must fail.
func (s *windows) call(want string, args ...string) string {
	s.Helper()
	out, code := s.ask(args...)
	if !strings.Contains(out, want) || (code == 0) != (!strings.HasPrefix(want, "Failed to ") && want != "already exists") {
		s.Fatalf("%q: code %d, printed\n%s\nwant %q\n%s", args, code, out, want, s.journal())
	}
	return out
}

// ask makes the agent do something, and returns the answer.
func (s *windows) ask(args ...string) (out string, code int) {
	s.Helper()
	return s.run(append([]string{"wine", `C:\a b\agent.exe`, `C:\feed.json`}, args...)...)
}

// stands waits until the service has that status.
func (s *windows) stands(want string) {
	s.Helper()
	var out string
	wait.Until(s, "it is "+want, func() bool {
		out, _ = s.ask("status")
		return strings.HasPrefix(out, want)
	}, func() string { return out + s.journal() })
}

func (s *windows) spec(does, more string) {
	s.Helper()
	s.write("feed.json", `{"Name": "feed", "DisplayName": "The Feed", "Journal": "C:\\journal", "Does": "`+does+`", "Arguments": ["C:\\feed.json"]`+more+`}`)
}

func (s *windows) write(file, text string) {
	s.Helper()
	if err := s.bed.Write(drive+file, []byte(text), 0o644); err != nil {
		s.Fatal(err)
	}
}

// wrote waits until the agent has written each text that many times.
func (s *windows) wrote(want map[string]int) {
	s.Helper()
	var got string
	wait.Until(s, fmt.Sprint("it has written ", want), func() bool {
		got = s.journal()
		for text, times := range want {
			if strings.Count(got, text) != times {
				return false
			}
		}
		return true
	}, func() string { return got })
}

// The life of a program that adopts.
func lifeOnWindows(s *windows) {
	s.write("journal", "")
	s.spec("status-in-start", `, "Dependencies": [], "Option": {"OnFailure": "restart", "OnFailureDelayDuration": "2s", "StartType": "manual"}`)
	s.call("windows-service windows-service windows-service The Feed", "platform")
	s.call("not installed", "status")
	s.call("Failed to uninstall", "uninstall")
	s.call("", "install")
	s.call("already exists", "install")
	s.call("stopped", "status")
	s.call("", "start")
	s.call("running", "status")
	s.call("", "restart")
	s.call("", "stop")
	s.call("stopped", "status")
	got := s.journal()
	for text, times := range map[string]int{`arguments ["C:\\feed.json"]`: 2, "interactive false": 2, "status in start true <nil>": 2, " running\n": 2, " stopped\n": 2} {
		if n := strings.Count(got, text); n != times {
			s.Errorf("%q is there %d times, not %d:\n%s", text, n, times, got)
		}
	}
	s.spec("stop-itself", "")
	s.ask("start") // it may be over before that returns
	s.wrote(map[string]int{"stop itself <nil>": 1, " stopped\n": 3})
	s.stands("stopped")
	s.spec("fail-start", "")
	s.call("Failed to start", "start")
	s.call("", "uninstall")
	s.call("not installed", "status")

	// A program that uninstalls itself there is stopped first, by a process that outlives it.
	s.spec("uninstall-itself", "")
	s.call("", "install")
	s.ask("start") // likewise
	s.wrote(map[string]int{"uninstall itself <nil>": 1, " stopped\n": 4})
	s.stands("unknown\nnot installed")
}

// The library itself has registered the service. A binary that adopts replaces the old one,
// and later the machine goes back.
func movingOnWindows(s *windows) {
	plain := func() { s.write("agent.plain", "") }
	adopts := func() { s.run("rm", drive+"agent.plain") }
	s.write("journal", "")
	s.spec("", "")
	plain() // it does not run so on Wine, where it takes its manager for a person
	s.call("", "install")

	// It adopts, and everything works under the old registration.
	adopts()
	s.call("stopped", "status")
	s.call("", "start")
	s.call("running", "status")
	s.call("", "restart")
	s.wrote(map[string]int{" running\n": 2, " stopped\n": 1})
	s.stands("running")

	// Install converts the registration and shows the changes. The running service goes on.
	out := s.call(" changes:\n", "install")
	if !strings.Contains(out, "\n  -") || !strings.Contains(out, "\n  +") || !strings.Contains(out, `a b\agent.exe`) {
		s.Errorf("install shows no difference: %s", out)
	}
	s.call("already exists", "install")
	s.call("running", "status")
	s.wrote(map[string]int{" running\n": 2})
	s.call("", "restart")
	s.call("running", "status")
	s.wrote(map[string]int{" running\n": 3, " stopped\n": 2})
	s.call("", "stop")
	s.call("", "uninstall")
	s.call("not installed", "status")

	// Then back, with nothing of holdfast left. Nobody waits for a program there that stops
	// itself.
	plain()
	s.call("", "install")
	adopts()
	s.spec("stop-itself", "")
	s.ask("start") // it may be over before that returns
	s.wrote(map[string]int{" running\n": 4, "stop itself <nil>": 1, " stopped\n": 4})
	s.stands("stopped")

	// After an uninstall by the binary that adopts, nothing is left, and nothing comes back.
	s.call("", "uninstall")
	s.call("not installed", "status")
}

// The library's own tests, at a terminal, which is how Wine gets a console.
func ownTestsOnWindows(t *testing.T, b *bed.Bed, w *shop) {
	if err := b.Put(w.get(t, "windows", "suite"), drive+"suite.exe", 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, done := wait.Context(t, context.Background(), "the library's tests")
	defer done()
	stdout, stderr, code, err := b.Run(ctx, "script", "-qec", `wine 'C:\suite.exe' -test.v -test.timeout 4m`, "/dev/null")
	if err != nil || code != 0 {
		t.Errorf("code %d, %v", code, err)
	}
	passed(t, stdout+stderr, "TestPlatformName", "TestRunInterrupt")
}

// The library's unchanged examples.
func examplesOnWindows(t *testing.T, b *bed.Bed, w *shop) {
	for program, source := range map[string]string{"logging": "logging/main.go", "runner": "runner/runner.go", "simple": "simple/main.go", "pause": "stopPause/main.go"} {
		if err := b.Put(w.get(t, "windows", source), drive+program+".exe", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	call := func(want string, argv ...string) {
		t.Helper()
		ctx, done := wait.Context(t, context.Background(), strings.Join(argv, " "))
		defer done()
		if stdout, stderr, code, err := b.Run(ctx, append([]string{"wine"}, argv...)...); err != nil || code != 0 || !strings.Contains(stdout, want) {
			t.Errorf("%q: code %d, %v, printed\n%s%s", argv, code, err, stdout, stderr)
		}
	}
	call("", `C:\pause.exe`, "install")
	call("", `C:\pause.exe`, "start")
	paused := make(chan struct{})
	go func() { // which takes 13 s
		defer close(paused)
		call("", `C:\pause.exe`, "stop")
	}()
	for _, verb := range []string{"install", "start", "restart", "stop", "uninstall"} {
		call("", `C:\logging.exe`, "-service", verb)
	}

	runner := `{"Name": "runner", "DisplayName": "Runner", "Exec": "C:\\windows\\system32\\cmd.exe", "Args": ["/C", "echo did it"], "Stdout": "C:\\did"}`
	if err := b.Write(drive+"runner.json", []byte(runner), 0o644); err != nil {
		t.Fatal(err)
	}
	call("", `C:\runner.exe`, "-service", "install")
	call("", `C:\runner.exe`, "-service", "start")
	wait.Until(t, "its program has run", func() bool {
		text, err := b.Read(drive + "did")
		return err == nil && strings.Contains(string(text), "did it")
	}, b.Console)
	call("", `C:\runner.exe`, "-service", "uninstall")

	// It has no commands, so Windows' own command registers it.
	const simple = "GoServiceExampleSimple"
	call("", "sc", "create", simple, "binpath=", `C:\simple.exe`)
	call("", "net", "start", simple)
	call("RUNNING", "sc", "query", simple)
	call("", "net", "stop", simple)
	call("STOPPED", "sc", "query", simple)
	call("", "sc", "delete", simple)

	<-paused
	call("STOPPED", "sc", "query", "GoServiceExampleStopPause")
	call("", `C:\pause.exe`, "uninstall")
}
