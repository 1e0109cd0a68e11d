//go:build linux

package sockets_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/test/bed"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// scratch is the directory of the programs. It is removed at the end.
var scratch string

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "holdfast-sockets-"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(scratch)
	os.Exit(code)
}

// build compiles both programs, once.
var build = sync.OnceValue(func() error {
	cmd := exec.Command("go", "build", "-o", scratch+"/", "../../examples/web", "./agent")
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%q: %w\n%s", cmd.Args, err, said)
	}
	return nil
})

// stage is a bed with examples/web and the agent.
type stage struct {
	t        *testing.T
	b        *bed.Bed
	versions int
}

func newStage(t *testing.T, b *bed.Bed) *stage {
	t.Helper()
	if err := build(); err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, b: b}
	for name, path := range map[string]string{"web": "/usr/local/bin/web", "agent": "/usr/local/lib/agent"} {
		if err := b.Put(filepath.Join(scratch, name), path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// must runs a script in the bed.
func (s *stage) must(script string) string {
	s.t.Helper()
	out, said, code := s.sh(script)
	if code != 0 {
		s.t.Fatalf("%s: code %d\n%s%s\n%s", script, code, out, said, s.log())
	}
	return strings.TrimSpace(out)
}

func (s *stage) sh(script string) (stdout, stderr string, code int) {
	s.t.Helper()
	ctx, done := wait.Context(s.t, s.t.Context(), script)
	defer done()
	stdout, stderr, code, err := s.b.Run(ctx, "/bin/sh", "-c", script)
	if err != nil {
		s.t.Fatal(err)
	}
	return stdout, stderr, code
}

// log returns the end of the service's log.
func (s *stage) log() string {
	s.t.Helper()
	out, said, _ := s.sh("web logs -n 60 2>&1; web status 2>&1; ps -eo pid,ppid,stat,etime,args | grep web")
	return out + said
}

func (s *stage) install(text string) {
	s.t.Helper()
	if err := s.b.Write("/etc/web/web.toml", []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
	s.must("web install --start")
}

// state returns the service's own state, or the zero value if there is none.
func (s *stage) state() (state service.State) {
	s.t.Helper()
	if text, err := s.b.Read("/run/web/web.state.json"); err == nil {
		_ = json.Unmarshal(text, &state)
	}
	return state
}

// ready waits until the service is ready.
func (s *stage) ready() {
	s.t.Helper()
	wait.Until(s.t, "web is ready", func() bool { return s.state().Phase == platform.PhaseReady }, s.log)
}

func (s *stage) kill() {
	s.t.Helper()
	before := s.state().Process
	s.must(fmt.Sprintf("kill -9 %d", before.PID))
	wait.Until(s.t, "web is back", func() bool {
		now := s.state()
		return now.Phase == platform.PhaseReady && now.Process != before
	}, s.log)
}

// put builds a version of web: a good one, or an agent that is told how to behave.
func (s *stage) put(kind, path string) {
	s.t.Helper()
	s.versions++
	from := "/usr/local/lib/agent"
	if kind == "good" {
		from = "/usr/local/bin/web"
	}
	s.must(fmt.Sprintf("cp %s %s && printf '\\n%d\\nholdfast-agent: %s\\n' >>%s && chmod 755 %s", from, path, s.versions, kind, path, path))
}

func (s *stage) upgrade(kind string, want int) {
	s.t.Helper()
	s.put(kind, "/root/candidate")
	out, said, code := s.sh("web upgrade /root/candidate --settle 100ms")
	if code != want {
		s.t.Fatalf("upgrade to a version that is %s: code %d, want %d\n%s%s\n%s", kind, code, want, out, said, s.log())
	}
}

// clients are the load.
type clients struct {
	s   *stage
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner

	first heard // what was seen before load returned
}

type heard struct {
	Answered, Refused, Broken int
	First                     string
	Longest                   time.Duration
}

func (s *stage) load(places ...string) *clients {
	s.t.Helper()
	cmd := s.b.Command(s.t.Context(), append([]string{"/usr/local/lib/agent", "load"}, places...)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	l := &clients{s: s, cmd: cmd, in: in, out: bufio.NewScanner(out)}
	l.first = l.round()
	return l
}

// round ends a round, and returns what the clients saw in it.
func (l *clients) round() (saw heard) {
	l.s.t.Helper()
	said := make(chan bool, 1)
	go func() {
		_, _ = io.WriteString(l.in, "\n")
		said <- l.out.Scan()
	}()
	if !wait.For(l.s.t, "the clients' answer", said, l.s.log) {
		l.s.t.Fatal("the clients are gone")
	}
	if err := json.Unmarshal(l.out.Bytes(), &saw); err != nil {
		l.s.t.Fatal(err)
	}
	return saw
}

func (l *clients) end() {
	_ = l.in.Close()
	_ = l.cmd.Wait()
}
