package fallback_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/test/wait"
)

// OpenWrt's procd and upstart are not available here. The tests of this file use stand-ins,
// which read what the library has installed as far as they understand it. They prove that text
// and the program's commands, and nothing about those inits.

// rcCommon stands in for /etc/rc.common and for procd: it runs the command of an instance in
// the background, starts it again 5 s after it has ended, and answers status.
const rcCommon = `#!/bin/sh
initscript=$1; action=${2:-help}; base=${initscript##*/}
procd_open_instance() { command=; pidfile=; respawn=; }
procd_set_param() { what=$1; shift; case $what in
	command) command="$*" ;; pidfile) pidfile=$1 ;; respawn) respawn=$2 ;; esac; }
procd_close_instance() {
	# shellcheck disable=SC2086
	( trap '' HUP; while :; do $command >>/run/logread 2>&1 </dev/null & echo $! >"$pidfile"; wait $!; rm -f "$pidfile"; sleep "${respawn:-5}"; done ) >/dev/null 2>&1 </dev/null &
	echo $! >"/run/procd.$base"
}
. "$initscript"
running() { [ -f "/run/procd.$base" ]; }
case $action in
start) running || start_service ;;
stop) if running; then kill -9 "$(cat "/run/procd.$base")"; rm -f "/run/procd.$base"; [ -f "/run/$base.pid" ] && kill "$(cat "/run/$base.pid")"; rm -f "/run/$base.pid"; fi; true ;;
enable) ln -sf "$initscript" "/etc/rc.d/S$START$base" ;;
disable) rm -f /etc/rc.d/S??"$base" /etc/rc.d/K??"$base" ;;
status) if running; then echo running; else echo inactive; exit 3; fi ;;
esac
`

func TestLifeByStandInForProcd(t *testing.T) {
	m := newMachine(t)
	shell, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	m.write("/usr/local/sbin/procd", 0o755, string(shell))
	m.write("/etc/rc.common", 0o755, rcCommon)
	m.mkdir("/etc/rc.d")
	m.boot("/usr/local/sbin/procd", "-c", "trap : CHLD; while :; do sleep 1000000 & wait; done")

	m.says(m.run(1, "env", "AGENT_WITHOUT=1", "/usr/local/bin/agent", "install"), "procd (OpenWrt) does", "cfg.Fallback = kardianos.Fallback()")
	m.says(m.agent(0, "install", "--start"), "procd kills it 5 s after SIGTERM", "agent is installed (procd)")
	script := m.read("/etc/init.d/agent")
	m.says(script, "#!/bin/sh /etc/rc.common", "USE_PROCD=1", `cmd="/usr/local/bin/agent "run" "--config" "/etc/agent/agent.toml" "--scope" "system""`)
	s := m.status(0)
	if s.Phase != "ready" || !s.Enabled || s.Manager != "procd" || s.StartedBy != "procd" {
		t.Errorf("%+v", s)
	}
	m.agent(0, "reload")
	m.agent(0, "restart")
	if again := m.status(0); again.PID == s.PID || !again.Ready {
		t.Errorf("after restart: %+v", again)
	}
	m.agent(0, "stop")
	m.says(m.read("/run/logread"), "stopped in order")
	m.status(3)
	m.says(m.run(3, "/etc/init.d/agent", "status"), "inactive") // it was told
	m.agent(0, "start")
	m.says(m.agent(0, "uninstall"), "agent is uninstalled (procd)")
	left := m.run(0, "/bin/sh", "-c", "ls /etc/rc.d /etc/init.d")
	if strings.Contains(left, "agent") {
		t.Errorf("left: %s", left)
	}
}

// initctl stands in for upstart: it runs the script of a job, and answers status.
const initctl = `#!/bin/sh
job=$2; conf=/etc/init/$job.conf
pid=$(cat "/run/upstart.$job" 2>/dev/null)
running() { [ -n "$pid" ] && [ -d "/proc/$pid" ] && ! grep -q '^State:.Z' "/proc/$pid/status"; }
[ -f "$conf" ] || { echo "initctl: Unknown job: $job" >&2; exit 1; }
case $1 in
start)
	running && { echo "initctl: Job is already running: $job" >&2; exit 1; }
	sed -n '/^script$/,/^end script$/p' "$conf" | sed '1d;$d' >"/run/upstart.sh"
	cd "$(sed -n 's/^chdir //p' "$conf")" || exit 1
	env --default-signal=INT sh -e /run/upstart.sh >/run/upstart.out 2>&1 </dev/null &
	echo $! >"/run/upstart.$job"; echo "$job start/running, process $!" ;;
stop)
	running || { echo "initctl: Unknown instance: " >&2; exit 1; }
	kill -INT "$pid"; echo "$job stop/waiting" ;;
status) if running; then echo "$job start/running, process $pid"; else echo "$job stop/waiting"; fi ;;
esac
`

func TestLifeByStandInForUpstart(t *testing.T) {
	m := newMachine(t)
	shell, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	m.write("/usr/local/sbin/init", 0o755, string(shell))
	m.write("/usr/local/bin/initctl", 0o755, initctl)
	m.mkdir("/etc/init")
	m.boot("/usr/local/sbin/init", "-c", "trap : CHLD; while :; do sleep 1000000 & wait; done")
	agent := func(code int, args ...string) string { // which finds the stand-in's command
		return m.run(code, append([]string{"env", "PATH=/usr/local/bin:/usr/bin:/bin", "/usr/local/bin/agent", "--manager", "upstart"}, args...)...)
	}
	m.says(agent(0, "install", "--start"), "upstart kills it 5 s after SIGINT", "agent is installed (upstart)")
	m.says(m.read("/etc/init/agent.conf"), `exec /usr/local/bin/agent "run" "--config" "/etc/agent/agent.toml" "--scope" "system"`, "kill signal INT", "chdir /")
	m.says(agent(0, "status"), "is ready", "by upstart", "installed, starts at boot")
	agent(0, "reload")
	agent(0, "restart")
	agent(0, "stop")
	m.says(m.read("/run/upstart.out"), "stopped in order")
	m.says(m.run(0, "/usr/local/bin/initctl", "status", "agent"), "stop/waiting")
	agent(3, "status")
	agent(0, "start")
	agent(0, "uninstall")
	if m.exists("/etc/init/agent.conf") {
		t.Error("the job is left")
	}
}

// The library's script for FreeBSD, with the command of a holdfast program, run by a stand-in
// for rc.subr(8) and daemon(8). It proves only that a shell can read the text.
func TestScriptForFreeBSDByStandIns(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/kardianos/service").Output()
	if err != nil {
		t.Skip("the module's source is not here: ", err)
	}
	source, err := os.ReadFile(strings.TrimSpace(string(out)) + "/service_freebsd.go")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(source), "const rcScript = `")
	text, _, ended := strings.Cut(text, "`")
	if !found || !ended {
		t.Fatal("the library's template is not where it was")
	}
	argv := []string{"/usr/local/bin/agent", "run", "--config", "/usr/local/etc/agent/agent.toml", "--scope", "system"}
	script := strings.NewReplacer("{{Name}}", "agent", "{{Path}}", argv[0], "{{range Arguments}} {{.}}{{end}}", " "+strings.Join(argv[1:], " "),
		"{{if WorkingDirectory}} -c {{WorkingDirectory}}{{end}}", "").Replace(text)
	if strings.Contains(script, "{{") {
		t.Fatalf("the library's template has more in it than this test knows:\n%s", script)
	}
	m := newMachine(t)
	m.write("/etc/rc.subr", 0o644, `run_rc_command() {
	eval "set -- $command_args"
	echo "$command: $*"
	shift 5 # -P PIDFILE -r -t TITLE
	[ "$1" = start ] && exit 1
	exec "$@"
}
`)
	m.write("/usr/local/etc/rc.d/agent", 0o755, script)
	m.write("/usr/local/etc/agent/agent.toml", 0o644, "[agent]\ngreeting = \"hello\"\n")
	shell, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	m.write("/usr/local/sbin/init", 0o755, string(shell))
	m.boot("/usr/local/sbin/init", "-c", "trap : CHLD; while :; do sleep 1000000 & wait; done")
	m.run(0, "sh", "-n", "/usr/local/etc/rc.d/agent")
	m.run(0, "sh", "-c", "/usr/local/etc/rc.d/agent start >/run/started 2>&1 &")
	wait.Until(t, "it runs", func() bool {
		out, code := m.try("/usr/local/bin/agent", "status")
		return code == 0 && strings.Contains(out, "is ready")
	})
	m.says(m.read("/run/started"), "/usr/sbin/daemon: -P /var/run/agent.pid -r -t agent: daemon "+strings.Join(argv, " "))
	m.agent(0, "stop")
}
