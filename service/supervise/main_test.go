//go:build unix

package supervise_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/service/supervise"
)

// If the first argument is roleArg and the name of a part, a copy of the test binary plays
// that part instead of running tests. The part is not in the environment, because these tests
// change the environment: a copy that lost its part would run all tests again, and so would
// its copies.
const (
	roleArg = "role="
	argsEnv = "HOLDFAST_SUPERVISE_TEST_ARGS"
)

func TestMain(m *testing.M) {
	role, ok := "", false
	if len(os.Args) > 1 {
		role, ok = strings.CutPrefix(os.Args[1], roleArg)
	}
	if !ok {
		os.Exit(m.Run())
	}
	parts := map[string]func() int{"parent": parent, "child": child, "spawn": spawn, "dump": dump, "handed": handed}
	maps.Copy(parts, moreParts())
	code := parts[role]()
	if testing.CoverMode() != "" {
		syscall.Exit(code) // os.Exit would complain to standard error that it may not write what it covered
	}
	os.Exit(code)
}

// playing returns the command line of a copy of the test binary in a role.
func playing(role string) []string { return []string{os.Args[0], roleArg + role} }

// part returns a command that runs a copy of the test binary in a role.
func part(t *testing.T, role string, args any) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	argv := playing(role)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), argsEnv+"="+string(text), "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	return cmd
}

func arguments(into any) {
	if err := json.Unmarshal([]byte(os.Getenv(argsEnv)), into); err != nil {
		panic(err)
	}
}

// A script says how the children of a supervisor behave, one after the other.
type script struct {
	Restart platform.Restart
	Ends    []string // each one's end: an exit code, "kill", or "wait" for a signal
	Counter string   // file that counts them
	Program string   // what they are executed from; empty: the test binary
	Waits   bool     // it says when it waits
}

// parent supervises children that follow the script.
func parent() int {
	var s script
	arguments(&s)
	p := supervise.Parent{Argv: playing("child"), Starter: "sysv", Restart: s.Restart, Log: func(string, ...any) {}}
	if s.Program != "" {
		p.Argv[0] = s.Program
		p.Log = func(text string, kv ...any) { fmt.Println(append([]any{"log", text}, kv...)...) }
	}
	if s.Waits {
		p.Waits = func(next *platform.NextTry, ended platform.Exit) {
			if next == nil {
				fmt.Println("waits no more")
				return
			}
			fmt.Println("waits", next.Number, next.Max, next.Window, next.Delay, !next.At.Before(time.Now().Add(-time.Hour)), ended)
		}
	}
	p.Leaves = func(ended platform.Exit, tooOften bool) {
		if s.Waits {
			fmt.Println("leaves", ended, tooOften)
		}
	}
	code, err := p.Run(context.Background())
	if err != nil {
		fmt.Println("error:", err)
		return 99
	}
	return code
}

// child writes what it gets to standard output, and ends as its argument says.
func child() int {
	var s script
	arguments(&s)
	b, _ := os.ReadFile(s.Counter)
	n := len(b)
	if err := os.WriteFile(s.Counter, append(b, '.'), 0o600); err != nil {
		panic(err)
	}
	end := s.Ends[min(n, len(s.Ends)-1)]
	ignored := signal.Ignored(syscall.SIGHUP)
	if what, ok := strings.CutPrefix(end, "socket "); ok {
		return sockets(what)
	}
	got := make(chan os.Signal, 10)
	if end == "late" { // no handler yet: a SIGHUP would kill, unless it is ignored
		gate := s.Counter + ".gate"
		if err := unix.Mkfifo(gate, 0o600); err != nil {
			panic(err)
		}
		fmt.Println("defenceless", gate, os.Getpid())
		if _, err := os.ReadFile(gate); err != nil { // until the test has opened it, and closed it
			panic(err)
		}
		end = "wait"
	}
	signal.Notify(got, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	fmt.Println("child", n+1, os.Getpid(), ignored, native.StarterVariable+"="+os.Getenv(native.StarterVariable))
	switch end {
	case "remove":
		_ = os.Remove(s.Program)
		return 1
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "wait", "stubborn":
		for s := range got {
			fmt.Println("got", s)
			if s != syscall.SIGHUP && end == "wait" {
				break
			}
			if end == "stubborn" && s != syscall.SIGHUP {
				end = "wait" // the second one will do
			}
		}
		fmt.Println("leaving")
		return 0
	}
	code, err := strconv.Atoi(end)
	if err != nil {
		panic(err)
	}
	return code
}

// lines are what a process writes, one by one.
type lines struct {
	t *testing.T
	r *bufio.Scanner
}

func (l lines) next() string {
	l.t.Helper()
	if !l.r.Scan() {
		l.t.Fatal("it has nothing more to say")
	}
	return l.r.Text()
}

// expect reads the next line, which must begin with prefix.
func (l lines) expect(prefix string) string {
	l.t.Helper()
	line := l.next()
	if !strings.HasPrefix(line, prefix) {
		l.t.Fatalf("it says %q, want %q", line, prefix)
	}
	return line
}

func (l lines) end() {
	l.t.Helper()
	if l.r.Scan() {
		l.t.Errorf("it goes on: %q", l.r.Text())
	}
}

// supervised starts a supervisor whose children end as given.
func supervised(t *testing.T, restart platform.Restart, ends ...string) (*exec.Cmd, lines) {
	t.Helper()
	return begin(t, script{restart, ends, t.TempDir() + "/counter", "", false})
}

// begin starts a supervisor with that script.
func begin(t *testing.T, s script) (*exec.Cmd, lines) {
	t.Helper()
	cmd := part(t, "parent", s)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _, _ = io.Copy(io.Discard, out); _ = cmd.Wait() })
	return cmd, lines{t, bufio.NewScanner(out)}
}

// pidIn returns the process number in the line of a child.
func pidIn(t *testing.T, line string) int {
	t.Helper()
	fields := strings.Fields(line)
	pid, err := strconv.Atoi(fields[len(fields)-1])
	if fields[0] == "child" {
		pid, err = strconv.Atoi(fields[2])
	}
	if err != nil {
		t.Fatal(err)
	}
	return pid
}
