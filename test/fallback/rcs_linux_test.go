package fallback_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/test/wait"
)

// rcS returns a machine whose init is BusyBox's, with the usual rcS: it starts what is linked
// in /etc/rc.d.
func rcS(t *testing.T) *machine {
	t.Helper()
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Skip("BusyBox is not here (Debian: sudo apt-get install busybox)")
	}
	m := newMachine(t)
	content, err := os.ReadFile(busybox)
	if err != nil {
		t.Fatal(err)
	}
	m.write("/usr/local/sbin/init", 0o755, string(content))
	m.mkdir("/etc/rc.d")
	m.write("/etc/inittab", 0o644, "::sysinit:/etc/init.d/rcS\n")
	m.write("/etc/init.d/rcS", 0o755, "#!/bin/sh\nfor s in /etc/rc.d/S*; do [ -x \"$s\" ] && \"$s\" start; done\n: >/run/booted\n")
	return m
}

func (m *machine) bootRCS() {
	m.Helper()
	m.boot("/usr/local/sbin/init")
	wait.Until(m.T, "rcS is over", func() bool { return m.exists("/run/booted") })
}

type status struct {
	Phase     string
	PID       int
	Ready     bool
	Manager   string
	Installed bool
	Enabled   bool
	StartedBy string `json:"started_by"`
	Missing   []string
	Notes     []string
}

func (m *machine) status(code int) status {
	m.Helper()
	var s status
	out := m.agent(code, "status", "--json")
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		m.Fatalf("%v\n%s", err, out)
	}
	return s
}

// The whole life of a program of holdfast on a machine with BusyBox's init.
func TestLifeByRCS(t *testing.T) {
	m := rcS(t)
	m.bootRCS()
	m.says(m.agent(3, "status"), "stopped")
	m.says(m.agent(1, "start"), "not installed")

	plan := m.agent(0, "plan")
	m.says(plan, "let github.com/kardianos/service install it: /etc/init.d/agent")
	if m.exists("/etc/init.d/agent") {
		t.Error("plan installs")
	}
	out := m.agent(0, "install", "--start")
	m.says(out, "warning: missing on rcs: nothing restarts it after a failure", "agent is installed (rcs)")
	script := m.read("/etc/init.d/agent")
	m.says(script, `cmd="/usr/local/bin/agent "run" "--config" "/etc/agent/agent.toml" "--scope" "system""`)
	s := m.status(0)
	if s.Phase != "ready" || !s.Installed || !s.Enabled || s.Manager != "rcs" || s.PID == 0 || len(s.Missing) == 0 {
		t.Errorf("after install --start: %+v", s)
	}
	m.says(m.agent(0, "status"), "missing  the init does not know when it is ready", "greets with hello", "by rcs")
	m.says(m.run(0, "/etc/init.d/agent", "status"), "Running")
	if args, err := os.ReadFile("/proc/" + strconv.Itoa(hostPID(m, s.PID)) + "/cmdline"); err != nil || string(args) != strings.Join([]string{"/usr/local/bin/agent", "run", "--config", "/etc/agent/agent.toml", "--scope", "system", ""}, "\x00") {
		t.Errorf("it was started as %q, %v", args, err)
	}

	m.says(m.agent(0, "install"), "nothing has changed")
	m.agent(0, "start") // runs already
	if again := m.status(0); again.PID != s.PID {
		t.Errorf("start of what runs: %d, and before %d", again.PID, s.PID)
	}
	m.agent(75, "run") // it is the only one

	m.write("/etc/agent/agent.toml", 0o644, "[agent]\ngreeting = \"good day\"\n")
	m.agent(0, "reload")
	m.says(m.agent(0, "status"), "greets with good day")
	m.write("/etc/agent/agent.toml", 0o644, "[agent]\nfail = true\n")
	m.says(m.agent(1, "reload"), "it is to fail")
	m.write("/etc/agent/agent.toml", 0o644, "[agent]\ngreeting = \"hello\"\n")

	m.agent(0, "restart")
	if again := m.status(0); again.PID == s.PID || again.Phase != "ready" {
		t.Errorf("after restart: %+v", again)
	}
	m.agent(0, "stop")
	m.says(m.read("/var/log/agent.log"), "stopped in order")
	m.status(3)
	m.says(m.run(1, "/etc/init.d/agent", "status"), "Stopped")

	m.says(m.agent(0, "uninstall"), "agent is uninstalled (rcs)")
	for _, path := range []string{"/etc/init.d/agent", "/etc/rc.d/S50agent", "/var/lib/holdfast/agent.fallback", "/var/lib/holdfast/agent.json"} {
		if m.exists(path) {
			t.Errorf("%s is left", path)
		}
	}
	m.says(m.agent(0, "uninstall"), "is not installed")
}

// hostPID returns the PID outside of a process of the machine.
func hostPID(m *machine, pid int) int {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		text, err := os.ReadFile("/proc/" + e.Name() + "/status")
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			if len(fields) == 3 && fields[0] == "NSpid:" && fields[2] == strconv.Itoa(pid) && sameNamespace(e.Name(), m.init) {
				here, _ := strconv.Atoi(e.Name())
				return here
			}
		}
	}
	return 0
}

func sameNamespace(pid string, other int) bool {
	a, errA := os.Readlink("/proc/" + pid + "/ns/pid")
	b, errB := os.Readlink("/proc/" + strconv.Itoa(other) + "/ns/pid")
	return errA == nil && errB == nil && a == b
}

// An installed service is there after a reboot. An install that fails leaves nothing half
// done.
func TestBootByRCS(t *testing.T) {
	m := rcS(t)
	m.bootRCS()
	m.agent(0, "install")
	m.status(3)
	m.down()
	m.bootRCS()
	wait.Until(t, "rcS has started it", func() bool { s := m.status(0); return s.Ready })
	if s := m.status(0); s.StartedBy != "rcs" || len(s.Notes) > 0 {
		t.Errorf("after a boot: %+v", s)
	}
	m.says(m.agent(0, "doctor"), "rcs does less for it than others: nothing restarts it after a failure")
	m.agent(0, "start") // what rcS has started is none of a stranger's

	// After a kill, only a person starts it again.
	m.run(0, "/bin/sh", "-c", "kill -9 $(cat /run/agent.pid)")
	wait.Until(t, "it is gone", func() bool { _, code := m.try("/usr/local/bin/agent", "status"); return code != 0 })
	m.agent(0, "start")
	m.says(m.agent(0, "status"), "by rcs")

	// A service that fails is not installed, and what was installed before is restored.
	before := m.read("/etc/init.d/agent")
	m.write("/etc/agent/agent.toml", 0o644, "[service]\ndescription = \"another\"\n[agent]\nfail = true\n")
	m.says(m.agent(1, "install", "--restart"), "it is to fail")
	if after := m.read("/etc/init.d/agent"); after != before {
		t.Errorf("the script is\n%s\nand was\n%s", after, before)
	}
	m.write("/etc/agent/agent.toml", 0o644, "[agent]\ngreeting = \"hello\"\n")
	m.agent(0, "start")
	m.agent(0, "uninstall")
	m.write("/etc/agent/agent.toml", 0o644, "[agent]\nfail = true\n")
	m.says(m.agent(1, "install", "--start"), "it is to fail", "all changes of this install are undone")
	if m.exists("/etc/init.d/agent") || m.exists("/etc/rc.d/S50agent") || m.exists("/var/lib/holdfast/agent.fallback") {
		t.Error("an install that was taken back has left something")
	}
}

// The library's script acts on the PID in its file, whichever process has it now.
func TestReusedPIDIsNobodysByRCS(t *testing.T) {
	m := rcS(t)
	m.bootRCS()
	m.agent(0, "install")
	m.run(0, "/bin/sh", "-c", "sleep 100000 >/run/other.out 2>&1 & echo $! >/run/agent.pid; cp /run/agent.pid /run/other.pid")
	m.says(m.run(0, "/etc/init.d/agent", "status"), "Running") // the plain library's word
	if s := m.status(3); s.Phase != "stopped" {
		t.Errorf("%+v", s)
	}
	m.agent(0, "stop")
	m.agent(0, "start")
	s := m.status(0)
	if s.Phase != "ready" || strconv.Itoa(s.PID) == strings.TrimSpace(m.read("/run/other.pid")) {
		t.Errorf("after start: %+v", s)
	}
	m.agent(0, "stop")
	m.run(0, "/bin/sh", "-c", "kill -0 $(cat /run/other.pid)")

	// Started by hand it works as anywhere else, and stop finds it.
	m.run(0, "/bin/sh", "-c", "/usr/local/bin/agent run >/run/hand.out 2>&1 &")
	wait.Until(t, "it runs by hand", func() bool {
		s, code := m.try("/usr/local/bin/agent", "status")
		return code == 0 && strings.Contains(s, "is ready")
	})
	m.says(m.agent(75, "start"), "by hand")
	m.says(m.agent(0, "status"), "it was not started by rcs")
	m.agent(0, "reload")
	m.agent(0, "stop")
	m.status(3)
	m.run(0, "/bin/sh", "-c", "kill -0 $(cat /run/other.pid)")
}

// What is not available there is refused by name, before anything changes. A definition of
// somebody else stays. Without the fallback, the message says what to add.
func TestRefusalsByRCS(t *testing.T) {
	m := rcS(t)
	m.bootRCS()
	m.write("/etc/agent/agent.toml", 0o644, `[service]
user = "daemon"
env = {A = "b"}
after = ["syslog"]
[service.limits]
nofile = 500
[service.restart]
policy = "always"
[agent]
greeting = "hello"
`)
	out := m.agent(78, "install")
	m.says(out, "agent.toml:2: service.user", "agent.toml:3: service.env", "agent.toml:4: service.after", "agent.toml:6: service.limits.nofile", "agent.toml:8: service.restart.policy", "nothing restarts it", "(rcs)")
	m.says(m.agent(78, "check"), "service.user")
	m.write("/etc/agent/agent.toml", 0o644, "[agent]\ngreeting = \"hello\"\n")
	m.says(m.agent(78, "install", "--config", "/etc/agent/agent.toml", "--state-dir", "/var/lib/a b"), "the library does not quote it")

	m.write("/etc/init.d/agent", 0o755, "#!/bin/sh\necho somebody else\n")
	m.says(m.agent(77, "install"), "/etc/init.d/agent was not made by holdfast")
	m.says(m.agent(77, "uninstall"), "was not made by holdfast")
	m.says(m.agent(77, "start"), "was not made by holdfast")
	m.says(m.read("/etc/init.d/agent"), "somebody else")
	m.run(0, "rm", "/etc/init.d/agent")

	m.says(m.run(1, "env", "AGENT_WITHOUT=1", "/usr/local/bin/agent", "install"), "rcS (BusyBox's init) does", "cfg.Fallback = kardianos.Fallback()", "platform/kardianos")
	m.run(0, "rmdir", "/etc/rc.d")
	m.says(m.agent(78, "install"), "/etc/rc.d, which does not exist: create it")
}
