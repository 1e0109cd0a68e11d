//go:build linux

package test_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-dev/holdfast/test/bed"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// putShipper builds examples/shipper as it would be released, and puts it into a bed.
func putShipper(t *testing.T, b *bed.Bed) {
	t.Helper()
	out, err := buildShipper()
	if err == nil {
		err = b.Put(out, "/usr/local/bin/shipper", 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}

var (
	buildShipper = sync.OnceValues(func() (string, error) { return buildStatic("../examples/shipper") })
	buildProbe   = sync.OnceValues(func() (string, error) { return buildStatic("../platform/internal/systemd/probe") })
)

// buildStatic compiles a program so that it runs in every bed.
func buildStatic(pkg string) (string, error) {
	out := filepath.Join(scratch, filepath.Base(pkg))
	cmd := exec.Command("go", "build", "-o", out, pkg)
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if msg, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%q: %w\n%s", cmd.Args, err, msg)
	}
	return out, nil
}

// onScripts runs fn on a bed of each manager that reads scripts, with a shipper.
func onScripts(t *testing.T, fn func(t *testing.T, s shipped)) {
	for _, manager := range []string{"sysv", "openrc"} {
		bed.Each(t, manager, func(t *testing.T, b *bed.Bed) {
			putShipper(t, b)
			fn(t, shipped{t, b})
		})
	}
}

// shipped is a bed with the shipper as a service.
type shipped struct {
	t *testing.T
	b *bed.Bed
}

// table is the shipper's own table, as short as possible.
const table = `
[shipper]
inputs = ["/var/log/app.log"]
output = "/var/lib/shipper/out"
`

// configure writes the [service] table.
func (s shipped) configure(text string) {
	s.t.Helper()
	if err := s.b.Write("/etc/shipper.toml", []byte("[service]\n"+text+table), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// sh runs a script in the bed; $S is the shipper's command line.
func (s shipped) sh(script string) (stdout, stderr string, code int) {
	s.t.Helper()
	ctx, done := wait.Context(s.t, s.t.Context(), script)
	defer done()
	stdout, stderr, code, err := s.b.Run(ctx, "/bin/sh", "-c", `S="shipper --config /etc/shipper.toml"; `+script)
	if err != nil {
		s.t.Fatal(err)
	}
	return stdout, stderr, code
}

// must is sh for a script that must succeed.
func (s shipped) must(script string) string {
	s.t.Helper()
	stdout, stderr, code := s.sh(script)
	if code != 0 {
		s.t.Fatalf("%s: code %d\n%s%s", script, code, stdout, stderr)
	}
	return strings.TrimSpace(stdout)
}

// want checks the exit code of a script.
func (s shipped) want(code int, script string) {
	s.t.Helper()
	if stdout, stderr, got := s.sh(script); got != code {
		s.t.Errorf("%s: code %d, want %d\n%s%s", script, got, code, stdout, stderr)
	}
}

// until repeats a script until it succeeds.
func (s shipped) until(script string) {
	s.t.Helper()
	var stdout, stderr string
	wait.Until(s.t, script, func() bool {
		var code int
		stdout, stderr, code = s.sh(script)
		return code == 0
	}, func() string {
		now, _, _ := s.sh("ps -eo pid,ppid,stat,etime,args; tail -n 30 /var/log/shipper/output.log")
		return stdout + stderr + "\nbut:\n" + now
	})
}

// The process has exactly the user, limits and other attributes of the table, on both
// managers.
func TestScriptsHonourTheTable(t *testing.T) {
	t.Parallel()
	onScripts(t, func(t *testing.T, s shipped) {
		s.must(`useradd --system feed; groupadd feed-g; groupadd more; mkdir -p "/srv/a dir"`)
		s.configure(`
user = "feed"
group = "feed-g"
working_directory = "/srv/a dir"
umask = "0077"
[service.env]
PLAIN = "two words"
LINES = "one\ntwo"
PATH = "/opt/bin:/usr/bin"
ODD = 'it''s $(touch /tmp/x) "\'
http_proxy = "x"
command = "not the script's"
[service.limits]
nofile = 777
nproc = 555
core = 0
nice = 5
[service.hardening]
supplementary_groups = ["more"]
`)
		s.must("sed -i \"s/'it''s/'it/\" /etc/shipper.toml") // a literal string of TOML has no quotes
		s.must("$S install --start")
		got := s.must(`p=$(cat /run/shipper/shipper.pid)
id -un $(awk '/^Uid/{print $2}' /proc/$p/status); getent group $(awk '/^Gid/{print $2}' /proc/$p/status) | cut -d: -f1
for g in $(awk '/^Groups/{$1=""; print}' /proc/$p/status); do getent group $g | cut -d: -f1; done | sort | tr '\n' ' '; echo
readlink /proc/$p/cwd; awk '/^Umask|^NoNewPrivs/{print $2}' /proc/$p/status
awk '/Max open files|Max processes|Max core/{print $(NF-2), $(NF-1)}' /proc/$p/limits
ps -o ni= -p $p | tr -d ' '; ps -o sid= -p $p | tr -d ' ' | sed "s/^$p$/leader/"
tr '\0' '\n' </proc/$p/environ | grep -e ^PLAIN -e ^PATH -e ^ODD -e ^http -e ^command -e ^HOME -e ^USER -e _DIRECTORY | sort
stat -c '%U:%G %a' /run/shipper /var/lib/shipper /var/log/shipper
stat -c '%U %a' /var/log/shipper/output.log; readlink /proc/$p/fd/0 /proc/$p/fd/1 /proc/$p/fd/2
tr '\0\n' '\n|' </proc/$p/environ | grep ^LINES
ls /tmp/x 2>&1 || true`)
		want := `feed
feed-g
feed more 
/srv/a dir
0077
1
0 0
555 555
777 777
5
leader
HOME=/home/feed
LINES=one|two
ODD=it $(touch /tmp/x) "\
PATH=/opt/bin:/usr/bin
PLAIN=two words
USER=feed
command=not the script's
http_proxy=x
CONFIGURATION_DIRECTORY=/etc/shipper
LOGS_DIRECTORY=/var/log/shipper
RUNTIME_DIRECTORY=/run/shipper
STATE_DIRECTORY=/var/lib/shipper
feed:feed-g 755
feed:feed-g 755
feed:feed-g 750
feed 600
/dev/null
/var/log/shipper/output.log
/var/log/shipper/output.log
ls: cannot access '/tmp/x': No such file or directory`
		if sorted(got) != sorted(want) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		s.must("$S reload && $S stop && $S uninstall --purge")
	})
}

func sorted(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		// awk and readlink print in their own order.
		for j := range i {
			if lines[i] < lines[j] {
				lines[i], lines[j] = lines[j], lines[i]
			}
		}
	}
	return strings.Join(lines, "\n")
}

// If this machine cannot fulfil the table, the start fails at once and names the setting.
// Files that another user's service has left in the directories are given to the new user.
func TestScriptsFulfilTheTable(t *testing.T) {
	t.Parallel()
	onScripts(t, func(t *testing.T, s shipped) {
		for says, text := range map[string]string{
			"ghost":             "user = \"ghost\"\n",
			"ghosts":            "user = \"nobody\"\ngroup = \"ghosts\"\n",
			"working_directory": "working_directory = \"/nowhere\"\n",
			"limits.nofile":     "[service.limits]\nnofile = 9000000000000000000\n",
			"permission denied": "user = \"nobody\"\nworking_directory = \"/root/closed\"\n",
		} {
			s.configure("start_timeout = \"1h\"\n" + text) // at once: nobody waits for that
			// Everything existed when it was installed. Otherwise `start` itself would refuse.
			s.must("mkdir -p -m 700 /root/closed; mkdir -p /nowhere; useradd --system ghost; groupadd --system ghosts; $S install")
			s.must("userdel ghost; groupdel ghosts; rmdir /nowhere")
			stdout, stderr, code := s.sh("/etc/init.d/shipper start")
			if code == 0 || !strings.Contains(stdout+stderr, says) {
				t.Errorf("%s: code %d: %s%s", says, code, stdout, stderr)
			}
			s.want(1, "pgrep -x shipper || pgrep -x supervise-daemo")
		}
		s.configure("")
		s.must("useradd --system feed; $S install --start && $S stop")
		s.configure("user = \"feed\"\n")
		s.must(`$S install --start && $S status --json | grep '"user": "feed"' && test -z "$(find /run/shipper /var/lib/shipper /var/log/shipper -not -user feed)"`)
		s.must("$S uninstall --purge")
	})
}

// `install` refuses by name what a script cannot do, and leaves nothing behind.
func TestScriptsRefuse(t *testing.T) {
	t.Parallel()
	onScripts(t, func(t *testing.T, s shipped) {
		for field, text := range map[string]string{
			"limits.memory":          "[service.limits]\nmemory = \"1G\"",
			"limits.tasks":           "[service.limits]\ntasks = 5",
			"limits.cpu":             "[service.limits]\ncpu = 50",
			"hardening.capabilities": "user = \"nobody\"\n[service.hardening]\ncapabilities = [\"CAP_NET_RAW\"]",
			"no-such-service":        "requires = [\"no-such-service\"]",
			"multi-user.target":      "after = [\"multi-user.target\"]",
			"env":                    "[service.env]\n\"A B\" = \"\"",
			"user":                   "user = \"a:b\"",
			"group":                  "group = \"$(id)\"",
			"name":                   "name = \"a;b\"",
		} {
			s.configure(text)
			_, stderr, code := s.sh("$S install")
			if code != 78 || !strings.Contains(stderr, field) {
				t.Errorf("%s: code %d: %s", field, code, stderr)
			}
		}
		s.configure("")
		for _, name := range []string{"a b", "../x", "-x", "a;b", "a$b", "é", "a/b", strings.Repeat("a", 101)} {
			if _, stderr, code := s.sh(fmt.Sprintf("$S install --instance '%s'", name)); code != 2 {
				t.Errorf("instance %q: code %d: %s", name, code, stderr)
			}
		}
		s.want(78, "$S install --scope user")
		s.want(1, "ls -A /etc/init.d /etc/runlevels /etc/rc2.d 2>/dev/null | grep shipper")
	})
}

// The program is replaced, removed and put back. Each action of the script says what is
// wrong.
func TestScriptsWithoutProgram(t *testing.T) {
	t.Parallel()
	onScripts(t, func(t *testing.T, s shipped) {
		s.configure("")
		s.must("$S install --start && cp /usr/local/bin/shipper /root/kept && rm /usr/local/bin/shipper")
		script := "/etc/init.d/shipper "
		if s.b.Kind().Manager == "sysv" {
			for action, code := range map[string]int{"start": 5, "stop": 5, "restart": 5, "reload": 5, "status": 4} {
				s.want(code, script+action)
			}
		} else {
			s.want(1, script+"restart") // and nothing is stopped
			s.want(127, script+"reload")
			s.must("pgrep -x shipper")
		}
		s.must("cp /root/kept /usr/local/bin/shipper")
		// The old image still runs. It is recognised, and stopped.
		s.must(script + "stop; ! pgrep -x shipper && $S start && $S uninstall --purge")
		s.want(1, "find / -xdev -name '*shipper*' -not -path '/etc/shipper.toml' -not -path /usr/local/bin/shipper | grep .")
	})
}
