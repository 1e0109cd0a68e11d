//go:build unix

package runner_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

	jobs "github.com/holdfast-dev/holdfast/examples/jobs/runner"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// The test binary plays the job runner, its keepers, its workers and its commands. With this
// variable it is the real main.
const roleVariable = "HOLDFAST_TEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) == "jobs" {
		os.Exit(jobs.Main(jobs.Description("test"), nil))
	}
	os.Exit(m.Run())
}

// A bed has the files of one job runner.
type bed struct {
	t   testing.TB
	dir string

	mu        sync.Mutex
	processes []*process
}

func newBed(t testing.TB) *bed {
	t.Helper()
	b := &bed{t: t, dir: t.TempDir()}
	t.Cleanup(b.killAll)
	return b
}

func (b *bed) path(name string) string { return filepath.Join(b.dir, name) }

// script is a job that reports that it begins, waits while the file "block" exists, and
// reports that it ends.
const script = `
echo "begin $JOBS_IDEMPOTENCY_KEY $JOBS_RUN_ID $JOBS_ATTEMPT $$ $JOBS_PARAMS" >>"$0/effects"
while [ -e "$0/block" ]; do sleep 0.05; done
echo "end $JOBS_IDEMPOTENCY_KEY $JOBS_RUN_ID $JOBS_ATTEMPT" >>"$0/effects"`

// configure writes a configuration with one job named work, which runs script, with more keys
// of the job and of the table.
func (b *bed) configure(ofJob, ofTable string) { b.jobs(ofTable, b.job("work", script, ofJob)) }

// job returns a [[jobs.job]] that runs a script of sh, in which $0 is the bed's directory.
func (b *bed) job(name, script, more string) string {
	return fmt.Sprintf("[[jobs.job]]\nname = %q\ncommand = ['sh', '-c', '''%s''', '%s']\n%s\n", name, script, b.dir, more)
}

func (b *bed) jobs(ofTable string, all ...string) {
	b.write("config.toml", "[jobs]\nlisten = '127.0.0.1:0'\n"+ofTable+"\n"+strings.Join(all, "\n"))
}

// write replaces a file atomically, because it may be read at any time.
func (b *bed) write(name, text string) {
	b.t.Helper()
	err := os.WriteFile(b.path(name+".new"), []byte(text), 0o600)
	if err == nil {
		err = os.Rename(b.path(name+".new"), b.path(name))
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) block()   { b.write("block", "") }
func (b *bed) unblock() { _ = os.Remove(b.path("block")) }

// A process is a running primary or worker.
type process struct {
	*bed
	cmd  *exec.Cmd
	log  buffer
	gone chan struct{}
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

func (b *bed) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], append(args, "--config", b.path("config.toml"), "--runtime-dir", b.path("run"), "--state-dir", b.path("state"))...)
	cmd.Env = append(os.Environ(), roleVariable+"=jobs")
	return cmd
}

func (b *bed) start(args ...string) *process {
	b.t.Helper()
	p := &process{bed: b, cmd: b.command(args...), gone: make(chan struct{})}
	p.cmd.Stderr = &p.log
	p.cmd.WaitDelay = time.Second
	if err := p.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.mu.Lock()
	b.processes = append(b.processes, p)
	b.mu.Unlock()
	go func() {
		_ = p.cmd.Wait()
		close(p.gone)
	}()
	return p
}

// primary starts a primary and waits until it is ready.
func (b *bed) primary() *process {
	b.t.Helper()
	p := b.start("run")
	wait.Until(b.t, "the primary is ready", func() bool {
		select {
		case <-p.gone:
			b.t.Fatalf("the primary has ended:\n%s", p.log.String())
		default:
		}
		s, err := service.ReadState(b.path("run/jobs.state.json"))
		return err == nil && s.Process.PID == p.cmd.Process.Pid && s.Phase == platform.PhaseReady
	}, p.log.String)
	return p
}

// worker starts a worker and waits until the primary knows it.
func (b *bed) worker(name string, more ...string) *process {
	b.t.Helper()
	return b.start(append([]string{"worker", "--join", b.address(), "--worker-name", name}, more...)...)
}

func (b *bed) address() string {
	text, err := os.ReadFile(b.path("state/jobs.address"))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

func (p *process) signal(sig syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
}

// exit returns the exit code, or -1 if the process was killed.
func (p *process) exit() int {
	p.t.Helper()
	wait.For(p.t, "the process has ended", p.gone, p.log.String)
	return p.cmd.ProcessState.ExitCode()
}

// kill kills only this process, as kill -9 does.
func (p *process) kill() {
	p.t.Helper()
	p.signal(syscall.SIGKILL)
	p.exit()
}

func (p *process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != 0 {
		p.t.Fatalf("exit code %d:\n%s", code, p.log.String())
	}
}

// says waits until the log has one of the texts.
func (p *process) says(texts ...string) {
	p.t.Helper()
	wait.Until(p.t, fmt.Sprintf("the log has one of %q", texts), func() bool {
		ended := false
		select {
		case <-p.gone:
			ended = true
		default:
		}
		said := slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(p.log.String(), text) })
		if ended && !said {
			p.t.Fatalf("it has ended and said none of %q:\n%s", texts, p.log.String())
		}
		return said
	}, p.log.String)
}

// killAll kills processes and commands, and waits for the end of their keepers, which write into
// the directory until then.
func (b *bed) killAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.processes {
		select {
		case <-p.gone:
		default:
			_ = p.cmd.Process.Kill()
			<-p.gone
		}
	}
	wait.Until(b.t, "no keeper is left", func() bool { b.killChildren(); return !b.left() })
}

// left reports whether a process has the bed's directory among its arguments, as keepers and
// commands have. It finds nobody where there is no /proc.
func (b *bed) left() bool {
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	return slices.ContainsFunc(all, func(path string) bool {
		text, _ := os.ReadFile(path)
		return bytes.Contains(text, []byte(b.dir+"/")) || bytes.HasSuffix(text, []byte(b.dir+"\x00"))
	})
}

// killChildren kills every command and keeper of the bed.
func (b *bed) killChildren() {
	for _, id := range append(b.identities("*.runs/*/child.json"), b.identities("*/runs/*/child.json")...) {
		if now, err := proc.Of(id.PID); err == nil && now.Same(id) {
			_ = syscall.Kill(-id.PID, syscall.SIGKILL)
		}
	}
}

func (b *bed) identities(pattern string) (all []proc.Identity) {
	found, _ := filepath.Glob(b.path("state/" + pattern))
	for _, path := range found {
		var id proc.Identity
		if text, err := os.ReadFile(path); err == nil && json.Unmarshal(text, &id) == nil {
			all = append(all, id)
		}
	}
	return all
}

// A run is a run according to the API and the command.
type run struct {
	ID      uint64         `json:"id"`
	Job     string         `json:"job"`
	Kind    string         `json:"kind"`
	Trigger string         `json:"trigger"`
	State   string         `json:"state"`
	Reason  string         `json:"reason"`
	Attempt int            `json:"attempt"`
	RerunOf uint64         `json:"rerun_of"`
	RerunAs uint64         `json:"rerun_as"`
	Worker  string         `json:"worker"`
	Key     string         `json:"idempotency_key"`
	Known   string         `json:"key"` // in the output of the command
	Crashes int            `json:"crashes"`
	Child   *proc.Identity `json:"child"`
}

// client opens a new connection for each request. A connection that is kept may lead to a primary that was killed since.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: wait.Limit}

// ask calls the API, and returns the code and the answer.
func (b *bed) ask(method, path, body string, header ...string) (int, string) {
	b.t.Helper()
	r, err := http.NewRequest(method, "http://"+b.address()+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if r.Header.Set(header[i], header[i+1]); header[i] == "Host" {
			r.Host = header[i+1]
		}
	}
	answer, err := client.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text)
}

// post runs a job by the API.
func (b *bed) post(job, params string, header ...string) uint64 {
	b.t.Helper()
	code, text := b.ask(http.MethodPost, "/v1/jobs/"+job+"/runs", params, header...)
	var got run
	if err := json.Unmarshal([]byte(text), &got); code != http.StatusAccepted || err != nil || got.ID == 0 {
		b.t.Fatalf("POST: %d %s", code, text)
	}
	return got.ID
}

// call runs a command of the program.
func (b *bed) call(args ...string) (code int, out string) {
	b.t.Helper()
	if args[0] == "work" {
		args = append(args, "--timeout", wait.Limit.String())
	}
	text, err := b.command(args...).CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), string(text)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return 0, string(text)
}

// list calls `work list`, which works whether the service is running or not.
func (b *bed) list() []run {
	b.t.Helper()
	code, out := b.call("work", "list", "--json", "-n", "0")
	var a struct {
		Entries []run `json:"entries"`
	}
	if err := json.Unmarshal([]byte(out), &a); code != 0 || err != nil {
		b.t.Fatalf("work list: %d, %v: %s", code, err, out)
	}
	return a.Entries
}

func (b *bed) listed(id uint64) run {
	b.t.Helper()
	for _, r := range b.list() {
		if r.ID == id {
			return r
		}
	}
	b.t.Fatalf("run %d is not listed", id)
	return run{}
}

// get returns a run from the API.
func (b *bed) get(id uint64) (r run) {
	b.t.Helper()
	code, text := b.ask(http.MethodGet, fmt.Sprintf("/v1/runs/%d", id), "")
	if err := json.Unmarshal([]byte(text), &r); code != http.StatusOK || err != nil {
		b.t.Fatalf("GET: %d %s", code, text)
	}
	return r
}

// awaitState waits until a run, or its rerun, is in a state.
func (b *bed) awaitState(id uint64, state string) (r run) {
	b.t.Helper()
	wait.Until(b.t, fmt.Sprintf("run %d is %s", id, state), func() bool {
		for r = b.get(id); r.State == "rerun" && state != "rerun"; {
			r = b.get(r.RerunAs)
		}
		return r.State == state
	}, func() string { _, text := b.ask(http.MethodGet, "/v1/runs", ""); return text })
	return r
}

// An effect is a line of the file that jobs write to.
type effect struct {
	what, key, run, attempt string
	rest                    string
}

func (b *bed) effects() (all []effect) {
	text, _ := os.ReadFile(b.path("effects"))
	for line := range strings.Lines(string(text)) {
		if f := strings.SplitN(strings.TrimSpace(line), " ", 5); len(f) >= 4 {
			all = append(all, effect{f[0], f[1], f[2], f[3], strings.Join(f[4:], " ")})
		}
	}
	return all
}

// count counts the effects of the work with that key.
func (b *bed) count(what, key string) (n int) {
	for _, e := range b.effects() {
		if e.what == what && e.key == key {
			n++
		}
	}
	return n
}

func (b *bed) awaitCount(what, key string, n int) {
	b.t.Helper()
	wait.Until(b.t, fmt.Sprintf("%s of %s is there %d times", what, key, n), func() bool { return b.count(what, key) >= n }, func() string {
		var logs string
		for i, p := range b.processes {
			logs += fmt.Sprintf("--- process %d\n%s", i, p.log.String())
		}
		return fmt.Sprint(b.effects(), "\n", logs)
	})
}

// gone waits until there is no process with that number.
func gone(t testing.TB, pid int) {
	t.Helper()
	wait.Until(t, fmt.Sprintf("process %d is gone", pid), func() bool { _, err := proc.Of(pid); return errors.Is(err, proc.ErrGone) })
}
