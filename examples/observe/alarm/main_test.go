//go:build unix

package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	example "github.com/holdfast-dev/holdfast/examples/observe/alarm"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/alarm"
	"github.com/holdfast-dev/holdfast/test/wait"
)

const roleVariable = "HOLDFAST_TEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) == "alarm" {
		os.Exit(example.Run())
	}
	os.Exit(m.Run())
}

// A place is the directory in which the program runs.
type place struct {
	t   *testing.T
	dir string
}

func (p place) path(name string) string { return filepath.Join(p.dir, name) }

func (p place) write(name, text string, mode os.FileMode) string {
	p.t.Helper()
	if err := os.WriteFile(p.path(name), []byte(text), mode); err != nil {
		p.t.Fatal(err)
	}
	return p.path(name)
}

// run starts the program, and waits until it is ready.
func (p place) run() *exec.Cmd {
	p.t.Helper()
	cmd := exec.Command(os.Args[0], "run", "--config", p.path("alarm.toml"), "--runtime-dir", p.path("run"), "--state-dir", p.path("state")) //nolint:noctx // signals end it
	cmd.Env = append(os.Environ(), roleVariable+"=alarm")
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	wait.Until(p.t, "the service is ready", func() bool {
		s, err := service.ReadState(p.path("run/alarm.state.json"))
		return err == nil && s.Phase == platform.PhaseReady && s.Process.PID == cmd.Process.Pid
	})
	return cmd
}

// told returns the alarms that tell.sh has received.
func (p place) told() (all []alarm.Event) {
	b, _ := os.ReadFile(p.path("told"))
	for line := range strings.Lines(string(b)) {
		var e alarm.Event
		if json.Unmarshal([]byte(line), &e) == nil {
			all = append(all, e)
		}
	}
	return all
}

func (p place) await(kind alarm.Kind) (found alarm.Event) {
	p.t.Helper()
	wait.Until(p.t, "the alarm "+string(kind), func() bool {
		for _, e := range p.told() {
			if e.Kind == kind {
				found = e
				return true
			}
		}
		return false
	}, func() string { return fmt.Sprint(p.told()) })
	return found
}

// An alarm of the program is delivered at once. The next run reports a kill, and delivers the
// alarm that the killed run could not.
func TestTheNextRunTellsOfAKill(t *testing.T) {
	p := place{t, t.TempDir()}
	if err := os.Mkdir(p.path("spool"), 0o700); err != nil {
		t.Fatal(err)
	}
	config := func(command string) {
		p.write("alarm.toml", fmt.Sprintf("[service.alarm]\ncommand = [%q]\n[alarm]\nspool = %q\nmost = 0\nevery = '10ms'\n", command, p.path("spool")), 0o600)
	}
	tell := p.write("tell.sh", "#!/bin/sh\nexec cat >>"+p.path("told")+"\n", 0o700)
	hang := p.write("hang.sh", "#!/bin/sh\necho $$ >"+p.path("hangs")+"\nexec sleep 3600\n", 0o700)
	config(hang)
	p.write("spool/file", "", 0o600)
	first := p.run()
	wait.Until(t, "its command to hang", func() bool { b, err := os.ReadFile(p.path("hangs")); return err == nil && len(b) > 1 })
	_ = first.Process.Kill()
	_ = first.Wait()
	if err := os.Remove(p.path("spool/file")); err != nil {
		t.Fatal(err)
	}
	config(tell)
	second := p.run()
	if e := p.await(alarm.FromProgram); e.Subject != "spool" || e.Term != 1 || !strings.HasPrefix(e.Text, "1 files wait in ") {
		t.Errorf("%+v", e)
	}
	if e := p.await(alarm.UncleanEnd); e.Term != 2 || !strings.Contains(e.Text, "killed or crashed without a trace") {
		t.Errorf("%+v", e)
	}
	_ = second.Process.Signal(syscall.SIGTERM)
	if err := second.Wait(); err != nil {
		t.Error(err)
	}
}

// A stop does not wait for a web hook that never answers.
func TestAStopDoesNotWaitForAWebHook(t *testing.T) {
	var mu sync.Mutex
	asked := make(chan struct{}, 100)
	secrets := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		mu.Lock()
		secrets[r.Header.Get("Authorization")] = true
		mu.Unlock()
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	p := place{t, t.TempDir()}
	p.write("secret", "Bearer 0123456789\n", 0o600)
	p.write("alarm.toml", fmt.Sprintf("[service.alarm]\nwebhook = '%s/T0SECRET'\nwebhook_secret_file = %q\ntimeout = '10h'\n[alarm]\nspool = %q\nmost = 0\nevery = '10ms'\n",
		server.URL, p.path("secret"), p.dir), 0o600)
	cmd := p.run()
	wait.For(t, "a request", asked)
	_ = cmd.Process.Signal(syscall.SIGTERM)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if err := wait.For(t, "the end", ended); err != nil {
		t.Error(err)
	}
	r, err := alarm.Read(alarm.File(p.path("state"), "alarm"))
	if err != nil || r == nil || r.Pending == 0 {
		t.Errorf("%+v, %v", r, err)
	}
	mu.Lock()
	defer mu.Unlock()
	if !secrets["Bearer 0123456789"] || len(secrets) != 1 {
		t.Errorf("%v", secrets)
	}
}

func event() alarm.Event {
	at := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	return alarm.Event{
		ID: "health-lost.7.1", Kind: alarm.HealthLost, Subject: "db\nBcc: everybody@example.com", Text: "it says \"no\"\n$(id)", Count: 2,
		First: at, Last: at, Service: "feedd", Host: "here", Version: "1.0", Term: 7,
	}
}

// script runs one of the scripts as a service would.
func script(t *testing.T, stdin string, argv ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Env, cmd.Stdin = alarm.Environment(event()), strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("%q: %v\n%s", argv, err, out)
	}
}

func TestMail(t *testing.T) {
	p := place{t, t.TempDir()}
	sendmail := p.write("sendmail", "#!/bin/sh\necho \"$@\" >"+p.path("args")+"\nexec cat >"+p.path("mail")+"\n", 0o700)
	script(t, `{"kind":"health-lost"}`, "./mail.sh", "ops@example.com", sendmail)
	args, _ := os.ReadFile(p.path("args"))
	mail, _ := os.ReadFile(p.path("mail"))
	head, body, _ := strings.Cut(string(mail), "\n\n")
	if string(args) != "-t -i\n" || strings.Count(head, "\n") != 6 || !strings.HasPrefix(head, "To: ops@example.com\nSubject: [feedd] health-lost dbBcc: everybody@example.com on here\nMessage-ID: <feedd.health-lost.7.1@here>\n") {
		t.Errorf("%s\n%s", args, head)
	}
	for _, want := range []string{"it says \"no\"\n$(id)\n", "2 times, from 2026-11-29T10:00:00Z", `{"kind":"health-lost"}`} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is not in\n%s", want, body)
		}
	}
}

func TestPage(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl here")
	}
	p := place{t, t.TempDir()}
	header := p.write("header", "Authorization: Bearer 0123456789\n", 0o600)
	var got *http.Request
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
	}))
	script(t, `{"kind":"health-lost"}`, "./page.sh", server.URL, header)
	server.Close()
	if got.Method != http.MethodPost || got.Header.Get("Authorization") != "Bearer 0123456789" || got.Header.Get("Idempotency-Key") != "health-lost.7.1" || string(body) != `{"kind":"health-lost"}` {
		t.Errorf("%s %v %s", got.Method, got.Header, body)
	}
}

// The sample configuration is valid.
func TestSample(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "check", "--config", "alarm.toml", "--state-dir", t.TempDir(), "--runtime-dir", t.TempDir())
	cmd.Env = append(os.Environ(), roleVariable+"=alarm")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
