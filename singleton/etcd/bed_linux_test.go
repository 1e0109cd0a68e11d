package etcd_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/singleton/etcd"
	"github.com/holdfast-dev/holdfast/singleton/etcd/internal/embedded"
	"github.com/holdfast-dev/holdfast/test/bed"
	"github.com/holdfast-dev/holdfast/test/wait"
)

func init() { //nolint:gochecknoinits // what the test binary can be beside a test
	roles["rival"] = playRival
}

// playRival is a member of etcd, and the leader of the election in which the service of
// examples/leader takes part, until it is killed.
func playRival() int {
	m := embedded.Member{
		Name: "m", Dir: os.Getenv("HOLDFAST_MEMBER_DIR"), Client: "http://127.0.0.1:2379", Peer: "http://127.0.0.1:2380",
		Reached: "http://127.0.0.1:2380",
	}
	embedded.Introduce([]*embedded.Member{&m})
	if err := m.Start(); err != nil {
		panic(err)
	}
	e, err := etcd.NewElector(etcd.Options{Dialer: &etcd.Dialer{Endpoints: []string{m.Client}}, Name: "leader", TTL: time.Minute, Who: "rival"})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	term, err := e.Campaign(ctx)
	if err != nil {
		panic(err)
	}
	fmt.Println("leads")
	obey(func(string) { // what it is told, whatever it is, has it leave
		if err := term.Resign(ctx); err != nil {
			panic(err)
		}
		fmt.Println("left")
	})
	select {}
}

// A machine is a bed with the service of examples/leader.
type machine struct {
	t *testing.T
	*bed.Bed
}

// leader runs a command of the service, which must end with that code.
func (m machine) leader(code int, args ...string) string {
	m.t.Helper()
	stdout, stderr, got, err := m.Run(m.t.Context(), append([]string{"leader", "--config", "/etc/leader.toml"}, args...)...)
	must(m.t, err)
	if got != code {
		m.t.Fatalf("leader %q: code %d instead of %d\n%s%s", args, got, code, stdout, stderr)
	}
	return stdout
}

// A condition has some fields of status.
type condition struct {
	Phase      string `json:"phase"`
	Ready      bool   `json:"ready"`
	PID        int    `json:"pid"`
	StatusText string `json:"status_text"`
	Reloads    struct {
		Completed int `json:"completed"`
	} `json:"reloads"`
}

func (m machine) condition() (c condition) {
	m.t.Helper()
	must(m.t, json.Unmarshal([]byte(m.leader(0, "status", "--json")), &c))
	return c
}

// standsBy fails the test if the service does not stand by, ready to its manager.
func (m machine) standsBy() condition {
	m.t.Helper()
	c := m.condition()
	if c.Phase != "standby" || !c.Ready || !strings.Contains(c.StatusText, "rival leads since") {
		m.t.Fatalf("the service does not stand by: %+v", c)
	}
	if active := m.MustRun(m.t, "systemctl", "is-active", "leader.service"); active != "active\n" {
		m.t.Fatalf("to its manager it is %q", active)
	}
	return c
}

// standing waits until the service stands by: status shows who leads a moment after the
// service is ready.
func (m machine) standing() {
	m.t.Helper()
	wait.Until(m.t, "a service that stands by", func() bool { return strings.Contains(m.condition().StatusText, "rival leads since") })
	m.standsBy()
}

// A service that stands by is installed, reloaded, upgraded, stopped and started like any other. It then takes over, and is stopped as the leader.
func TestStandbyInABed(t *testing.T) {
	if testing.Short() {
		t.Skip("boots a machine")
	}
	m := machine{t, bed.Require(t, "systemd257")}
	program := filepath.Join(t.TempDir(), "leader")
	build := exec.Command("go", "build", "-o", program, "./examples/leader")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	self, err := os.Executable()
	must(t, err)
	must(t, m.Put(self, "/usr/local/lib/rival", 0o755))
	must(t, m.Put(program, "/usr/local/bin/leader", 0o755))
	const settings = "[service]\nstop_timeout = \"3s\"\n[service.log]\nlevel = \"%s\"\n[service.cluster]\nttl = \"60s\"\nendpoints = [\"http://127.0.0.1:2379\"]\n" // no pause of the machine ends a term
	must(t, m.Write("/etc/leader.toml", fmt.Appendf(nil, settings, "info"), 0o644))
	rival := m.Command(t.Context(), "env", roleVariable+"=rival", "HOLDFAST_MEMBER_DIR=/var/lib/rival", "/usr/local/lib/rival")
	in, out := pipes(t, rival)
	rival.Stderr = os.Stderr
	must(t, rival.Start())
	if !out.Scan() || out.Text() != "leads" {
		t.Fatalf("the rival says %q", out.Text())
	}

	m.leader(0, "install", "--start")
	m.standing()
	first := m.standsBy()

	must(t, m.Write("/etc/leader.toml", fmt.Appendf(nil, settings, "debug"), 0o644))
	m.leader(0, "reload")
	if c := m.standsBy(); c.PID != first.PID || c.Reloads.Completed != 1 {
		t.Errorf("after the reload: %+v, and before it was %+v", c, first)
	}

	m.MustRun(t, "sh", "-c", "cp /usr/local/bin/leader /root/next; echo next >>/root/next")
	m.leader(0, "upgrade", "/root/next", "--settle", "1s")
	m.standing()
	if c := m.condition(); c.PID == first.PID {
		t.Error("the upgrade has not begun another process")
	}
	m.MustRun(t, "cmp", "/usr/local/bin/leader", "/root/next")

	m.leader(0, "stop")
	m.leader(3, "status")
	m.leader(0, "start")
	m.standing()
	if c := m.condition(); c.StatusText != first.StatusText {
		t.Errorf("the leader's term has not gone on meanwhile: %q, and before it was %q", c.StatusText, first.StatusText)
	}

	_, err = fmt.Fprintln(in, "resign 0s")
	must(t, err)
	wait.Until(t, "the service to lead", func() bool { c := m.condition(); return c.Phase == "ready" && c.Ready })
	m.leader(0, "stop")
	m.leader(0, "uninstall")
}
