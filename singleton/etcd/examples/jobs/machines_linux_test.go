package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/singleton/etcd/internal/embedded"
	"github.com/holdfast-dev/holdfast/test/port"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// A plant has three machines on one of which the primary runs, and two workers on others. Each
// machine is a process with its own directory.
type plant struct {
	t        *testing.T
	rand     *rand.Rand
	receiver *receiver
	machines []*machine
	workers  []*machine
	keys     []string // of all work
}

type machine struct {
	t       *testing.T
	name    string
	dir     string
	args    []string
	address string // of the API; empty for a worker
	cmd     *exec.Cmd
	over    chan struct{} // closed when it has ended
	ends    bool          // that is expected
	log     *buffer
}

// A buffer is a log that is read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func newPlant(t *testing.T, seed uint64, lease time.Duration) *plant {
	t.Helper()
	members, err := embedded.Plan(1, t.TempDir())
	must(t, err)
	t.Cleanup(members[0].Stop)
	must(t, embedded.StartAll(members))
	ports, err := port.Free(3)
	must(t, err)
	p := &plant{t: t, rand: rand.New(rand.NewPCG(seed, 17)), receiver: newReceiver(t)}
	exe, err := os.Executable()
	must(t, err)
	service := fmt.Sprintf("[service]\nstop_timeout = '1s'\n[service.cluster]\nendpoints = [%q]\n", members[0].Client)
	var all []string
	for i, at := range ports {
		m := &machine{t: t, name: fmt.Sprintf("m%d", i), dir: t.TempDir(), args: []string{"run"}, address: port.Local(at)}
		must(t, os.WriteFile(filepath.Join(m.dir, "jobs.toml"), fmt.Appendf(nil, `%s
[jobs]
listen = %q
lease = '%v'
max_crashes = 100
[[jobs.job]]
name = 'work'
command = [%q, %q, %q]
rerun_if_interrupted = true
`, service, m.address, lease, exe, effectCommand, p.receiver.URL), 0o600))
		p.machines, all = append(p.machines, m), append(all, m.address)
	}
	for i := range 2 {
		name := fmt.Sprintf("w%d", i)
		m := &machine{t: t, name: name, dir: t.TempDir(), args: []string{"worker", "--join", strings.Join(all, ","), "--worker-name", name, "--slots", "4"}}
		must(t, os.WriteFile(filepath.Join(m.dir, "jobs.toml"), []byte(service), 0o600))
		p.workers = append(p.workers, m)
	}
	t.Cleanup(func() {
		p.receiver.openAll()
		for _, m := range append(p.machines, p.workers...) {
			m.kill()
		}
		p.receiver.killAll()
		wait.Until(t, "no keeper is left, which would write into its machine's directory", func() bool { return !p.left() })
	})
	for _, m := range append(p.machines, p.workers...) {
		m.start()
	}
	return p
}

// left reports whether a process has a machine's directory among its arguments, as keepers have.
func (p *plant) left() bool {
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	return slices.ContainsFunc(all, func(path string) bool {
		text, _ := os.ReadFile(path)
		return slices.ContainsFunc(append(p.machines, p.workers...), func(m *machine) bool { return bytes.Contains(text, []byte(m.dir+"/")) })
	})
}

func (m *machine) start() {
	m.t.Helper()
	m.log, m.over, m.ends = new(buffer), make(chan struct{}), false
	m.cmd = exec.Command("/proc/self/exe", append(m.args, "--config", filepath.Join(m.dir, "jobs.toml"), "--runtime-dir", m.dir, "--state-dir", m.dir)...)
	m.cmd.Env = append(os.Environ(), roleVariable+"=jobs", "GOMAXPROCS=2")
	m.cmd.Stderr = m.log
	m.cmd.WaitDelay = time.Second // keepers have it, too
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(m.t, m.cmd.Start())
	go func() {
		_ = m.cmd.Wait()
		close(m.over)
	}()
}

func (m *machine) signal(s syscall.Signal) { _ = m.cmd.Process.Signal(s) }

func (m *machine) kill() {
	if m.cmd != nil {
		m.ends = true
		m.signal(syscall.SIGKILL)
		<-m.over
	}
}

// scene returns what all have logged.
func (p *plant) scene() string {
	var b strings.Builder
	for _, m := range append(p.machines, p.workers...) {
		log := m.log.String()
		fmt.Fprintf(&b, "--- %s\n%s\n", m.name, log[max(0, len(log)-4000):])
	}
	return b.String()
}

// until waits for something, and fails the test if a machine ends that should not. A primary that
// stood still for half of its TTL ends, as it has to: the test's machine was slow. It is started
// again, as a manager would.
func (p *plant) until(what string, so func() bool) {
	p.t.Helper()
	wait.Until(p.t, what, func() bool {
		for _, m := range append(p.machines, p.workers...) {
			select {
			case <-m.over:
				if !m.ends && strings.Contains(m.log.String(), "this instance leads no longer") {
					m.start()
				} else if !m.ends {
					p.t.Fatalf("%s has ended\n%s", m.name, p.scene())
				}
			default:
			}
		}
		return so()
	}, p.scene)
}

// A run is a run as the API tells it.
type run struct {
	ID      uint64 `json:"id"`
	Key     string `json:"idempotency_key"`
	Trigger string `json:"trigger"`
	State   string `json:"state"`
	Reason  string `json:"reason"`
	Worker  string `json:"worker"`
	RerunOf uint64 `json:"rerun_of"`
}

// client waits as long as a paused primary may keep it.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 2 * time.Second}

func ask(ctx context.Context, method, url, body string, header http.Header, out any) error {
	q, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	q.Header = header
	answer, err := client.Do(q)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("%s: %s", answer.Status, text)
	}
	if err == nil {
		err = json.Unmarshal(text, out)
	}
	return err
}

// primary returns the machine that answers, and all runs.
func (p *plant) primary() (m *machine, all []run) {
	p.t.Helper()
	p.until("a primary", func() bool {
		for _, m = range p.machines {
			all = nil
			if ask(p.t.Context(), http.MethodGet, "http://"+m.address+"/v1/runs?limit=0", "", nil, &all) == nil {
				return true
			}
		}
		return false
	})
	return m, all
}

// submit starts work by hand, at whichever machine takes it.
func (p *plant) submit(key string) {
	p.t.Helper()
	p.keys = append(p.keys, key)
	header := http.Header{"Jobs-By-Hand": {"yes"}, "Idempotency-Key": {key}}
	p.until(key+" is accepted", func() bool {
		for _, m := range p.machines {
			var got run
			if ask(p.t.Context(), http.MethodPost, "http://"+m.address+"/v1/jobs/work/runs", `{"by":"hand"}`, header, &got) == nil {
				return true
			}
		}
		return false
	})
}

// begin starts work and returns it when its first effect has happened. It then waits until
// the receiver lets it go on.
func (p *plant) begin(key string) (e effect, at *machine) {
	p.t.Helper()
	p.receiver.shut(key)
	p.submit(key)
	e = p.await(key, 0)
	_, all := p.primary()
	for _, r := range all {
		for _, w := range p.workers {
			if r.ID == e.Run && r.Worker == w.name {
				at = w
			}
		}
	}
	if at == nil {
		p.t.Fatalf("run %d is at no worker: %+v\n%s", e.Run, all, p.scene())
	}
	return e, at
}

// await waits until a run of the work after the given one has begun, and returns its effect.
func (p *plant) await(key string, after uint64) (e effect) {
	p.t.Helper()
	p.until(fmt.Sprintf("a run of %s after %d", key, after), func() bool { e = p.receiver.last(key); return e.Run > after })
	return e
}

// finished waits until work has finished, and returns its last run.
func (p *plant) finished(key string) (last run) {
	p.t.Helper()
	p.until(key+" is finished", func() bool {
		_, all := p.primary()
		for _, r := range all {
			if r.Key == key {
				last = r
			}
		}
		return last.State == "finished"
	})
	return last
}

// check compares the effects with the journal, and returns what happened too seldom or too often.
func (p *plant) check() (wrong []string) {
	p.t.Helper()
	for _, key := range p.keys {
		p.finished(key)
	}
	_, all := p.primary()
	reruns, interruptions := 0, 0
	for _, r := range all {
		if r.Trigger != "manual" || r.State != "finished" && r.State != "rerun" {
			wrong = append(wrong, fmt.Sprintf("%+v", r))
		}
		if r.RerunOf != 0 {
			reruns++
		}
		if r.State == "rerun" {
			interruptions++
		}
	}
	if reruns != interruptions || len(all) != len(p.keys)+reruns {
		wrong = append(wrong, fmt.Sprintf("%d runs of %d pieces of work: %d interruptions, %d reruns", len(all), len(p.keys), interruptions, reruns))
	}
	for _, key := range p.keys {
		if had := p.receiver.happened(key); had != [steps]int{1, 1, 1, 1} {
			wrong = append(wrong, fmt.Sprintf("the effects of %s happened %v times", key, had))
		}
	}
	p.t.Logf("%d pieces of work by hand, %d interruptions, %d reruns, %d late effects refused; %d faults found",
		len(p.keys), interruptions, reruns, p.receiver.late(), len(wrong))
	return wrong
}
