package etcd_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/singleton/etcd/internal/embedded"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// A field is a cluster of etcd and its candidates, all of them processes, with what the
// candidates have reported.
type field struct {
	t          *testing.T
	rand       *rand.Rand
	members    []*embedded.Member
	peers      []*proxy // in front of each member, for the others
	servers    []server
	candidates []*runner
	fenced     bool
	program    string // the etcd of the system; empty: the embedded one
	tally

	mu      sync.Mutex
	reports []report
}

// A runner is a candidate's process, behind proxies.
type runner struct {
	part    part
	proxies []*proxy
	cmd     *exec.Cmd
	in      io.Writer
	stepped time.Duration // its time of day
	over    chan struct{} // closed when all that it printed was read, and it has ended
}

// A server is a member's process.
type server struct {
	cmd     *exec.Cmd
	in      io.Writer
	out     *bufio.Scanner
	stepped time.Duration // its time of day
}

// again starts this test binary in a role. It dies with the test.
func again(t *testing.T, role, variable string, v any) *exec.Cmd {
	t.Helper()
	value, err := json.Marshal(v)
	must(t, err)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), roleVariable+"="+role, variable+"="+string(value), "GOMAXPROCS=2")
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// pipes returns the standard input of a command that is to start, and the lines of its output.
func pipes(t *testing.T, cmd *exec.Cmd) (io.Writer, *bufio.Scanner) {
	t.Helper()
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	return in, bufio.NewScanner(out)
}

// A plan says how a field begins.
type plan struct {
	seed       uint64
	candidates int
	unfenced   bool
	program    string // see field
}

func newField(t *testing.T, p plan) *field {
	t.Helper()
	f := &field{t: t, rand: rand.New(rand.NewPCG(p.seed, 17)), fenced: !p.unfenced, program: p.program, tally: newTally()}
	var err error
	f.members, err = embedded.Plan(3, t.TempDir())
	must(t, err)
	for _, m := range f.members {
		p := newProxy(t, m.Peer)
		f.peers = append(f.peers, p)
		m.Reached, m.Syncs = p.url(), true
	}
	embedded.Introduce(f.members)
	f.servers = make([]server, len(f.members))
	t.Cleanup(f.end)
	var serve []func()
	for i := range f.members {
		serve = append(serve, f.serve(i))
	}
	for _, wait := range serve {
		wait()
	}
	kept := t.TempDir()
	for i := range p.candidates {
		r := &runner{part: part{
			Who: fmt.Sprintf("c%d", i), TTL: ttl, Fenced: f.fenced, Pace: 20 * time.Millisecond,
			Kept: filepath.Join(kept, strconv.Itoa(i)),
		}}
		for _, m := range f.members {
			p := newProxy(t, m.Client)
			r.proxies = append(r.proxies, p)
			r.part.Endpoints = append(r.part.Endpoints, p.url())
		}
		f.candidates = append(f.candidates, r)
		f.run(r)
	}
	return f
}

// ttl is short, so that many faults fit into a minute.
const ttl = 3 * time.Second

// serve starts a member of etcd, and returns a function that waits until it serves.
func (f *field) serve(i int) func() {
	if f.program != "" {
		return f.serveProgram(i)
	}
	cmd := again(f.t, "member", "HOLDFAST_MEMBER", membership{f.members[i], f.place()})
	in, out := pipes(f.t, cmd)
	must(f.t, cmd.Start())
	f.servers[i] = server{cmd: cmd, in: in, out: out}
	return func() {
		if said := f.servers[i].line(); said != "serves" {
			f.t.Fatalf("the member %d says %q", i, said)
		}
	}
}

// serveProgram does that with the etcd of the system.
func (f *field) serveProgram(i int) func() {
	m := f.members[i]
	cmd := exec.Command(f.program, "--name", m.Name, "--data-dir", m.Dir, "--listen-client-urls", m.Client, "--advertise-client-urls", m.Client,
		"--listen-peer-urls", m.Peer, "--initial-advertise-peer-urls", m.Reached, "--initial-cluster", m.Cluster,
		"--heartbeat-interval", "50", "--election-timeout", "500")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(f.t, cmd.Start())
	f.servers[i] = server{cmd: cmd}
	return func() {
		wait.Until(f.t, "the etcd of the system to serve", func() bool {
			_, err := f.status(i)
			return err == nil
		})
	}
}

// place returns a machine that was booted up to three years before the test's.
func (f *field) place() place {
	return place{Ahead: time.Duration(f.rand.IntN(1000*24*3600)) * time.Second}
}

// line returns the next line that the member prints.
func (s server) line() string {
	s.out.Scan()
	return s.out.Text()
}

// run starts a candidate.
func (f *field) run(r *runner) {
	r.part.place, r.stepped = f.place(), 0
	r.cmd = again(f.t, "candidate", "HOLDFAST_PART", r.part)
	in, lines := pipes(f.t, r.cmd)
	r.in = in
	must(f.t, r.cmd.Start())
	over := make(chan struct{})
	r.over = over
	cmd := r.cmd
	go func() {
		defer close(over)
		var last report
		for lines.Scan() {
			if json.Unmarshal(lines.Bytes(), &last) == nil { // a killed process may leave half a line
				f.add(last)
			}
		}
		_ = cmd.Wait()
		if now, err := proc.Boottime(); err == nil && last.Token != 0 {
			f.add(report{Kind: "dead", Who: last.Who, Token: last.Token, At: int64(now)})
		}
	}()
}

func (f *field) add(r report) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reports = append(f.reports, r)
}

func (f *field) all() []report {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.reports)
}

// leads waits for a candidate that has started and not stopped. On a busy machine, a term can end
// at any time.
func (f *field) leads() (r *runner, token uint64) {
	f.t.Helper()
	wait.Until(f.t, "a leader", func() bool { r, token = f.started(); return r != nil })
	return r, token
}

// started returns the candidate that has started last, or nil if it has stopped.
func (f *field) started() (r *runner, token uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	who := ""
	for _, report := range f.reports {
		switch {
		case report.Kind == "start" && report.Token > token:
			who, token = report.Who, report.Token
		case (report.Kind == "stop" || report.Kind == "dead") && report.Token == token:
			who = ""
		}
	}
	for _, c := range f.candidates {
		if c.part.Who == who {
			r = c
		}
	}
	return r, token
}

// some is the number of operations after which a leader is at work.
const some = 10

// successor waits until something was done in terms after the one with the given token.
func (f *field) successor(token uint64) {
	f.t.Helper()
	f.await(0, some, fmt.Sprintf("work after term %d", token), func(r report) bool { return r.done() && r.Token > token })
}

// work waits until something more is done, in whatever term.
func (f *field) work() {
	f.t.Helper()
	f.await(f.now(), some, "more work", report.done)
}

// done reports whether r is the end of an operation that was made.
func (r report) done() bool { return r.Kind == "return" && r.Failed == "" }

// now returns the number of reports.
func (f *field) now() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.reports)
}

// await waits for n such reports, from the one with number from on.
func (f *field) await(from, n int, what string, is func(report) bool) {
	f.t.Helper()
	wait.Until(f.t, what, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		for ; from < len(f.reports); from++ {
			if is(f.reports[from]) {
				n--
			}
		}
		return n <= 0
	})
}

func (f *field) signal(cmd *exec.Cmd, s syscall.Signal) { must(f.t, cmd.Process.Signal(s)) }

// restart waits for the end of a candidate and starts it again.
func (f *field) restart(r *runner) {
	<-r.over
	f.run(r)
}

func (f *field) end() {
	for _, c := range f.candidates {
		_ = c.cmd.Process.Kill()
		<-c.over
	}
	for _, s := range f.servers {
		if s.cmd != nil {
			_ = s.cmd.Process.Kill()
			_ = s.cmd.Wait()
		}
	}
}

// server returns the member of etcd that leads, or one that does not.
func (f *field) server(leads bool) (i int) {
	f.t.Helper()
	order := f.rand.Perm(len(f.members))
	wait.Until(f.t, "etcd's leader", func() bool {
		for _, i = range order {
			if status, err := f.status(i); err == nil && (status.Leader == status.Header.MemberId) == leads {
				return true
			}
		}
		return false
	})
	return i
}
